// The first module of a bundle: says in one sentence which Node is needed where this one is older. Written so that any
// Node can read it; the program is imported after it, and only then parsed and linked.

/** zstd in node:zlib, and styleText in node:util; 22.15 is the first with both. */
const NEEDED = [22, 15] as const;
/** As for wrong settings: nothing was done. */
const EXIT_CODE = 2;

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < NEEDED[0] || (major === NEEDED[0] && minor < NEEDED[1])) {
  process.stderr.write(
    `error: Node ${NEEDED.join('.')} or newer is needed, and this is ${process.versions.node} (${process.execPath}).\n`,
  );
  process.exit(EXIT_CODE);
}
