// One plain nats.ws subscriber in a process of its own, as an agent would be; reports when each message was there. Its
// clock is process.hrtime, which all processes of a machine share.

import { connect } from 'nats.ws';

const [wsUrl = '', subject = ''] = process.argv.slice(2);
const connection = await connect({ servers: [wsUrl] });
connection.subscribe(subject, {
  callback: (error, message) => {
    const atNs = process.hrtime.bigint();
    if (error) throw error;
    process.send?.({ atNs: String(atNs), bytes: message.data.byteLength });
  },
});
await connection.flush();
process.send?.({ ready: true });
process.once('disconnect', () => process.exit(0));
