// What reconcile knows of one SDK key while it heals it.

import type { ChangeId } from '../../core/ids.ts';
import type { DatafileSource } from '../../core/projects.ts';
import type { Role } from '../settings/settings.ts';

export interface KeyRun {
  readonly source: DatafileSource;
  readonly projectId: string;
  readonly changeId: ChangeId;
  readonly startedAtMs: number;
  readonly role: Role;
}
