// agent.js - a small agent on the official Node SDK, unmodified: reports how often it measures, and measures as often as it is told.
//
// The connection string comes from IOTHUB_DEVICE_CONNECTION_STRING, the hub's CA from NODE_EXTRA_CA_CERTS; `twinsim run` and
// `twinsim env` set both.
'use strict';
const { Client, ModuleClient, Message } = require('azure-iot-device');
const { Mqtt } = require('azure-iot-device-mqtt');

const text = process.env.IOTHUB_DEVICE_CONNECTION_STRING;
const client = (text.includes('ModuleId=') ? ModuleClient : Client).fromConnectionString(text, Mqtt);
let interval = 60;

const fail = (error) => {
  console.error(error.message);
  process.exit(1);
};

/** Take over what is desired, say so, and send a measurement. */
function apply(twin, desired) {
  interval = desired.interval ?? interval;
  twin.properties.reported.update({ sdk: 'node', interval }, (error) => {
    if (error) return fail(error);
    console.log(`reported interval ${interval}`);
    const message = new Message(JSON.stringify({ temperature: 21.5, interval }));
    message.contentType = 'application/json';
    message.contentEncoding = 'utf-8';
    message.properties.add('unit', 'Celsius');
    client.sendEvent(message, (refused) => refused && fail(refused));
  });
}

async function main() {
  client.on('error', (error) => console.error(error.message)); // a lost connection is mended by the SDK
  await client.open();
  const twin = await client.getTwin();
  apply(twin, twin.properties.desired);
  // The SDK tells a new listener at once what it knows already; from then on it tells every change, also after a reconnect.
  let known = twin.properties.desired.$version;
  twin.on('properties.desired', (patch) => {
    if (patch.$version <= known) return;
    known = patch.$version;
    apply(twin, patch);
  });
  // What changed while it was away is told by nobody: read again when it is back (facts C-24).
  client.on('connect', () => twin.get((error) => {
    if (error || twin.properties.desired.$version <= known) return;
    known = twin.properties.desired.$version;
    apply(twin, twin.properties.desired);
  }));
}

process.on('SIGTERM', () => client.close(() => process.exit(0)));
main().catch(fail);
