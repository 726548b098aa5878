// tiny-agent.js - an agent for tests of the runner: connects as its connection string says, then does one thing.
//
//   node tiny-agent.js report '{"a":1}' ...  report that, one by one, then stay
//   node tiny-agent.js telemetry N BYTES FILE  send N messages as fast as the socket takes them, then make FILE, then stay
//   node tiny-agent.js echo [BUG]            report back every desired change; with a bug: stale (the value before), text (numbers as
//                                            texts), flat (objects are forgotten); only the second report: change (a value), drop, twice
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const { Client } = require('./mqtt-wire.js');

const text = process.env.IOTHUB_DEVICE_CONNECTION_STRING;
const part = Object.fromEntries(text.split(';').map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
const id = part.ModuleId ? `${part.DeviceId}/${part.ModuleId}` : part.DeviceId;
const scope = encodeURIComponent(`${part.HostName}/devices/${part.DeviceId}${part.ModuleId ? `/modules/${part.ModuleId}` : ''}`);

function token() {
  const se = Math.floor(Date.now() / 1000) + 3600;
  const sig = crypto.createHmac('sha256', Buffer.from(part.SharedAccessKey, 'base64')).update(`${scope}\n${se}`).digest('base64');
  return `SharedAccessSignature sr=${scope}&sig=${encodeURIComponent(sig)}&se=${se}`;
}

/** A client that is connected as the environment says. */
async function connectAsToldByEnvironment(clean = true) {
  const client = await Client.connect({ host: part.HostName, port: 8883, clean, ca: fs.readFileSync(process.env.SSL_CERT_FILE), clientId: id, username: `${part.HostName}/${id}/?api-version=2021-04-12`, password: token() });
  if (client.connack?.code !== 0) throw new Error('refused');
  console.log('connected');
  return client;
}

async function main() {
  const [what, ...args] = process.argv.slice(2);
  const client = await connectAsToldByEnvironment();
  if (what === 'report') {
    for (const [rid, patch] of args.entries()) await client.publish(`$iothub/twin/PATCH/properties/reported/?$rid=${rid + 1}`, patch);
  } else if (what === 'telemetry') {
    const [count, bytes, file] = args;
    const topic = part.ModuleId ? `devices/${part.DeviceId}/modules/${part.ModuleId}/messages/events/` : `devices/${part.DeviceId}/messages/events/`;
    const body = JSON.stringify({ filler: 'x'.repeat(Number(bytes)) });
    for (let i = 0; i < Number(count); i++) {
      await client.publish(topic, body);
      if (client.stream.writableLength > 1 << 20) await new Promise((resolve) => client.stream.once('drain', resolve));
    }
    await client.ping(); // the hub has dealt with all of them
    fs.writeFileSync(file, 'done');
    console.log('sent');
  } else if (what === 'echo') {
    await client.subscribe('$iothub/twin/PATCH/properties/desired/#');
    console.log('listening');
    let before = {};
    const wrong = {
      stale: (patch) => Object.fromEntries(Object.keys(patch).map((key) => [key, before[key] ?? 0])),
      text: (patch) => JSON.parse(JSON.stringify(patch, (key, value) => (typeof value === 'number' ? String(value) : value))),
      flat: (patch) => Object.fromEntries(Object.entries(patch).filter(([, value]) => typeof value !== 'object')),
    };
    for (let rid = 1; ; rid++) {
      const { payload } = await client.message('$iothub/twin/PATCH/properties/desired/', { ms: 2 ** 31 - 1 });
      const { $version, ...patch } = JSON.parse(payload);
      const bug = rid === 2 ? args[0] : undefined;
      const report = bug === 'change' ? { ...patch, b: 'y' } : wrong[args[0]]?.(patch) ?? patch;
      for (let n = { drop: 0, twice: 2 }[bug] ?? 1; n > 0; n--) await client.publish(`$iothub/twin/PATCH/properties/reported/?$rid=${rid}`, JSON.stringify(report));
      before = patch;
    }
  }
}

if (require.main === module) {
  setInterval(() => {}, 1 << 30); // stay
  main().catch((error) => {
    console.error(error.message);
    process.exit(1);
  });
}

module.exports = { connectAsToldByEnvironment };
