// Every attack, from the outside in.

import { ADMIN } from './admin.ts';
import { API_ABUSE } from './api-abuse.ts';
import { API_BODIES } from './api-bodies.ts';
import { API_DOORS } from './api-doors.ts';
import { API_KEYS } from './api-keys.ts';
import { API_SMUGGLING } from './api-smuggling.ts';
import { API_WIRE } from './api-wire.ts';
import type { Attack } from './attack.ts';
import { BUS_AGENT } from './bus-agent.ts';
import { BUS_DATAFILES } from './bus-datafiles.ts';
import { BUS_OTHERS } from './bus-others.ts';
import { CDN } from './cdn.ts';
import { DISK } from './disk.ts';
import { POISON } from './poison.ts';
import { RECEIVER } from './receiver.ts';
import { RECORD } from './record.ts';
import { WEBHOOK_PAYLOAD } from './webhook-payload.ts';
import { WEBHOOK_SIGNATURE } from './webhook-signature.ts';

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
  ...ADMIN,
  ...BUS_DATAFILES,
  ...BUS_OTHERS,
  ...BUS_AGENT,
  ...RECORD,
  ...DISK,
];
