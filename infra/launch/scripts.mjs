// What npm scripts load before their program: it says in one sentence which Node is needed where this one cannot run
// TypeScript. npm ci brings one for Linux and Windows; elsewhere it is the machine's own. Written so that any Node can read it.

const NEEDED = [22, 18];

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  process.stderr.write(
    `error: Node ${NEEDED.join('.')} or newer is needed, and this is ${process.versions.node} (${process.execPath}).\n`,
  );
  process.exit(2);
}
