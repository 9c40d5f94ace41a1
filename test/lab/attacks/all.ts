// Every attack, from the outside in.

import { ADMIN } from './api/admin.ts';
import { API_ABUSE } from './api/api-abuse.ts';
import { API_BODIES } from './api/api-bodies.ts';
import { API_DOORS } from './api/api-doors.ts';
import { API_KEYS } from './api/api-keys.ts';
import { API_SMUGGLING } from './api/api-smuggling.ts';
import { API_TOKENS } from './api/api-tokens.ts';
import { API_WIRE } from './api/api-wire.ts';
import { API_WORKERS } from './api/api-workers.ts';
import type { Attack } from './attack.ts';
import { BUS_AGENT } from './bus/bus-agent.ts';
import { BUS_BEATS } from './bus/bus-beats.ts';
import { BUS_DATAFILES } from './bus/bus-datafiles.ts';
import { BUS_OTHERS } from './bus/bus-others.ts';
import { CDN } from './record/cdn.ts';
import { DISK } from './record/disk.ts';
import { POISON } from './record/poison.ts';
import { RECORD } from './record/record.ts';
import { RECEIVER } from './webhook/receiver.ts';
import { WEBHOOK_PAYLOAD } from './webhook/webhook-payload.ts';
import { WEBHOOK_SIGNATURE } from './webhook/webhook-signature.ts';

export const ATTACKS: readonly Attack[] = [
  ...WEBHOOK_SIGNATURE,
  ...WEBHOOK_PAYLOAD,
  ...RECEIVER,
  ...CDN,
  ...POISON,
  ...API_SMUGGLING,
  ...API_WIRE,
  ...API_BODIES,
  ...API_KEYS,
  ...API_ABUSE,
  ...API_DOORS,
  ...API_WORKERS,
  ...API_TOKENS,
  ...ADMIN,
  ...BUS_DATAFILES,
  ...BUS_OTHERS,
  ...BUS_AGENT,
  ...BUS_BEATS,
  ...RECORD,
  ...DISK,
];
