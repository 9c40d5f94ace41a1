import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Part, type Readiness } from '../../../../infra/local/stack/part.ts';
import { startReaper } from '../../../../infra/local/stack/reaper-client.ts';
import { eventually } from '../../../support/eventually.ts';
import { tempDir } from '../../../support/temp-dir.ts';

const LOCAL = new URL('../../../../infra/local/stack/', import.meta.url).pathname;

function part(code: string, readiness: Readiness): Part {
  const reaper = startReaper();
  const spec = { name: 'probe', command: process.execPath, args: ['-e', code], readiness };
  const made = new Part(spec, reaper);
  onTestFinished(async () => {
    await made.stop();
    await reaper.close();
  });
  return made;
}

const FOREVER = 'setInterval(() => {}, 1000);';

describe('a part of the stack', () => {
  it('a part of the stack is ready when a line of its output says so, and keeps its lines over a restart', async () => {
    const probe = part(`console.log('it is ready ' + process.pid); ${FOREVER}`, /ready/);
    await probe.start();
    const first = probe.pid;
    await probe.restart();
    expect(probe.pid).not.toBe(first);
    expect(probe.lines).toEqual([`it is ready ${first}`, `it is ready ${probe.pid}`]);
  });

  it('a part of the stack is ready when a question about it is answered with yes', async () => {
    let asked = 0;
    const probe = part(FOREVER, async () => ++asked === 3);
    await probe.start();
    expect(asked).toBe(3);
  });

  it('fails with its last lines when it ends before it is ready', async () => {
    const probe = part(`console.error('address in use'); process.exit(1)`, /never/);
    await expect(probe.start()).rejects.toMatchObject({
      code: 'STACK_FAILED',
      message: expect.stringMatching(/^probe ended before it was ready; its last lines:\s+address in use$/),
    });
    expect(probe.isRunning).toBe(false);
  });

  it('fails with the reason when its program is not there', async () => {
    const reaper = startReaper();
    onTestFinished(() => reaper.close());
    const missing = new Part(
      { name: 'probe', command: '/no/such/program', args: [], readiness: /x/ },
      reaper,
    );
    await expect(missing.start()).rejects.toThrow(/ENOENT/);
  });

  it('a part of the stack is asked to stop even while it is frozen, and gets to clean up', async () => {
    const probe = part(
      `process.on('SIGTERM', () => { console.log('bye'); process.exit(0); }); console.log('ready'); ${FOREVER}`,
      /ready/,
    );
    await probe.start();
    await probe.kill('SIGSTOP');
    await probe.stop();
    expect(probe.isRunning).toBe(false);
    await eventually('its last word', () => probe.lines.includes('bye'));
  });
});

describe('the reaper', () => {
  it('ends what a killed parent leaves behind, deaf and frozen ones too, and removes its folder', async () => {
    const dir = join(await tempDir(), 'stack');
    const parent = await startParent(dir);
    const children = await parent.children;
    expect(children.every(isAlive)).toBe(true);
    parent.process.kill('SIGKILL');
    await eventually('every child is gone', () => !children.some(isAlive));
    await eventually('the folder is gone', () => !existsSync(dir));
  });
});

/** A process with a reaper and three children: one that listens, one deaf to SIGTERM, one frozen. */
async function startParent(dir: string): Promise<{ process: ChildProcess; children: Promise<number[]> }> {
  const code = `
    import { mkdirSync } from 'node:fs';
    import { Part } from ${JSON.stringify(join(LOCAL, 'part.ts'))};
    import { startReaper } from ${JSON.stringify(join(LOCAL, 'reaper-client.ts'))};
    const dir = ${JSON.stringify(dir)};
    mkdirSync(dir);
    const reaper = startReaper();
    reaper.owns(dir);
    const start = async (code) => {
      const part = new Part({ name: 'child', command: process.execPath, args: ['-e', code], readiness: /ready/ }, reaper);
      await part.start();
      return part;
    };
    const forever = "console.log('ready'); setInterval(() => {}, 1000);";
    const parts = [await start(forever), await start("process.on('SIGTERM', () => {});" + forever), await start(forever)];
    await parts[2].kill('SIGSTOP');
    console.log(JSON.stringify(parts.map((part) => part.pid)));
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const children = new Promise<number[]>((resolve) => {
    child.stdout?.once('data', (text: Buffer) => resolve(JSON.parse(text.toString()) as number[]));
  });
  return { process: child, children };
}

/** A zombie that its parent has not reaped yet counts as gone, although a signal still finds it. */
function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
