// Completion scripts for bash (3.2, as on macOS, or newer), zsh and fish. Each first finds the command among the words typed so
// far, then offers what can follow it. Texts only; what commands there are is in nodes.ts.

import type { CommandNode, OptionNode } from './nodes.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type ShellName = (typeof SHELLS)[number];

const PROGRAM = 'fanout';

export const completionScript = (shell: ShellName, nodes: readonly CommandNode[]): string =>
  ({ bash, zsh, fish })[shell](nodes);

/** All three shells read a text in single quotes as it is. */
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const names = (nodes: readonly { readonly text: string }[]): string =>
  nodes.map(({ text }) => text).join(' ');

/** Patterns of a `case` that match the path so far, a space, and the name of a command below it. */
const stepsBelow = (nodes: readonly CommandNode[], separator: string): string =>
  nodes
    .filter(({ path }) => path !== '')
    .map(({ path }) => quoted(path.includes(' ') ? path : ` ${path}`))
    .join(separator);

/** Options that take a value, each with the path that it follows. */
function valued(nodes: readonly CommandNode[]): { readonly at: string; readonly option: OptionNode }[] {
  return nodes.flatMap(({ path, options }) =>
    options
      .filter(({ takesValue }) => takesValue)
      .map((option) => ({ at: quoted(`${path} ${option.text}`), option })),
  );
}

function bash(nodes: readonly CommandNode[]): string {
  const values = valued(nodes).map(
    ({ at, option }) => `    ${at}) words=${quoted(option.values.join(' '))} ;;`,
  );
  const words = nodes.map(
    ({ path, words: below, options }) =>
      `        ${quoted(path)}) words=${quoted(`${names(below)} ${names(options)}`.trim())} ;;`,
  );
  // Without a word to offer bash completes names of files (-o default).
  return `# bash completion for ${PROGRAM}: source <(${PROGRAM} completion bash)
_${PROGRAM}() {
  local at='' words='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
      ${stepsBelow(nodes, '|')}) at="\${at:+$at }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$at \${COMP_WORDS[COMP_CWORD - 1]}" in
${values.join('\n')}
    *)
      case "$at" in
${words.join('\n')}
      esac
      ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _${PROGRAM} ${PROGRAM}
`;
}

function zsh(nodes: readonly CommandNode[]): string {
  const values = valued(nodes).map(({ at, option }) =>
    option.values.length === 0
      ? `    ${at}) _files; return ;;`
      : `    ${at}) compadd -- ${option.values.map(quoted).join(' ')}; return ;;`,
  );
  // A colon ends the word that it describes.
  const described = (list: readonly { readonly text: string; readonly description: string }[]) =>
    list.map(({ text, description }) => quoted(`${text.replaceAll(':', '\\:')}:${description}`)).join(' ');
  const words = nodes.map(
    ({ path, words: below, options }) =>
      `    ${quoted(path)}) commands=(${described(below)}); options=(${described(options)}) ;;`,
  );
  // \`path\` is another name of PATH in zsh.
  return `#compdef ${PROGRAM}
# zsh completion for ${PROGRAM}: source <(${PROGRAM} completion zsh), after compinit
_${PROGRAM}() {
  local at='' i
  local -a commands options
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
      ${stepsBelow(nodes, '|')}) at="\${at:+$at }\${words[i]}" ;;
    esac
  done
  case "$at \${words[CURRENT - 1]}" in
${values.join('\n')}
  esac
  case "$at" in
${words.join('\n')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then
    _describe -o option options
  elif ((\${#commands})); then
    _describe command commands
  else
    _files
  fi
}
compdef _${PROGRAM} ${PROGRAM}
`;
}

function fish(nodes: readonly CommandNode[]): string {
  const lines = nodes.flatMap(({ path, words, options }) => {
    const when = `complete -c ${PROGRAM} -n ${quoted(`__${PROGRAM}_at ${quoted(path)}`)}`;
    return [
      ...words.map(({ text, description }) => `${when} -f -a ${text} -d ${quoted(description)}`),
      ...options.map(({ text, description, takesValue, values }) => {
        const value = values.length > 0 ? ` -x -a ${quoted(values.join(' '))}` : ' -r';
        return `${when} -l ${text.replace(/^--/, '')}${takesValue ? value : ''} -d ${quoted(description)}`;
      }),
    ];
  });
  return `# fish completion for ${PROGRAM}: ${PROGRAM} completion fish | source
function __${PROGRAM}_at
    set -l at ''
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
            case ${stepsBelow(nodes, ' ')}
                set at (string trim -- "$at $word")
        end
    end
    test "$at" = "$argv[1]"
end
${lines.join('\n')}
`;
}
