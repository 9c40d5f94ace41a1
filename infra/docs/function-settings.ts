// The settings of functions and receiver as a table of the page about configuration, from the list that both read.

import { shownDefault } from '../../core/settings/setting.ts';
import { FUNCTION_SETTINGS } from '../../functions/settings/list.ts';
import { code, markdownTable } from './markdown.ts';
import type { Writers } from './pages.ts';

export const functionSettings: Writers = {
  functions: () =>
    markdownTable(
      ['variable', 'read by', 'default', 'meaning'],
      FUNCTION_SETTINGS.map((setting) => [
        code(setting.variable),
        setting.only ?? 'both',
        code(shownDefault(setting)),
        setting.help,
      ]),
    ),
};
