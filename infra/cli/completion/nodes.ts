// The command line as a completion script needs it: every command with what can follow it, read from commander, so that a
// script cannot know less or more than the program. Knows no shell.

import type { Command, Option } from 'commander';

export interface Word {
  readonly text: string;
  readonly description: string;
}

export interface OptionNode extends Word {
  readonly takesValue: boolean;
  /** What the value may be; empty where it may be anything, such as the name of a file. */
  readonly values: readonly string[];
}

export interface CommandNode {
  /** Words after the program's name: empty for the program itself, `datafile history` for a command of a group. */
  readonly path: string;
  /** Names of commands below it, or what its arguments may be. */
  readonly words: readonly Word[];
  readonly options: readonly OptionNode[];
}

/** The program and all commands below it, each group before its own. */
export function commandNodes(command: Command, path: readonly string[] = []): CommandNode[] {
  const help = command.createHelp();
  const below = command.commands.filter((child) => help.visibleCommands(command).includes(child));
  const choices = command.registeredArguments.flatMap(({ argChoices = [], description }) =>
    argChoices.map((text) => ({ text, description })),
  );
  return [
    {
      path: path.join(' '),
      words: [
        ...below.map((child) => ({ text: child.name(), description: child.description() })),
        ...choices,
      ],
      options: help.visibleOptions(command).map(optionNode),
    },
    ...below.flatMap((child) => commandNodes(child, [...path, child.name()])),
  ];
}

const optionNode = ({
  long,
  short,
  description,
  required,
  optional,
  argChoices = [],
}: Option): OptionNode => ({
  text: long ?? short ?? '',
  description,
  takesValue: required || optional,
  values: argChoices,
});
