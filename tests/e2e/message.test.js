// message.test.js - messages that wait: many of them, over a restart, and their time. How they are delivered: message-redelivery.test.js.
'use strict';
const assert = require('node:assert/strict');
const test = require('node:test');
const { startHub } = require('../support/hub.js');

const DEVICES = 70, EACH = 15; // more devices than the hub looks at in one turn

/** Several commands in one message, a hundred at a time; all must succeed. */
async function all(hub, commands) {
  const service = await hub.service();
  const bodies = [];
  for (let at = 0; at < commands.length; at += 100) {
    const responses = await service.commands(commands.slice(at, at + 100));
    for (const { status, body } of responses) {
      assert.equal(status, 200, JSON.stringify(body));
      bodies.push(body);
    }
  }
  await service.client.disconnect();
  return bodies;
}
const ids = [...Array(DEVICES).keys()].map((n) => `d${n}`);
const counts = async (hub) => (await all(hub, ids.map((deviceId) => ({ command: 'device.show', deviceId })))).map((d) => d.cloudToDeviceMessageCount);

test('a thousand messages of devices that nobody has looked at since the start expire in time, and those of later stay', async (t) => {
  const hub = await startHub(t);
  await all(hub, ids.map((deviceId) => ({ command: 'device.create', deviceId })));
  await all(hub, ids.flatMap((deviceId) => [...Array(EACH).keys()].map((n) => ({ command: 'message.send', deviceId, body: n, timeToLive: n % 5 ? `${10 + n}m` : '3h' }))));
  assert.deepEqual(await counts(hub), ids.map(() => EACH));
  await hub.kill(); // nothing of them is in memory any more
  await hub.start();
  const events = await hub.listen('$twinsim/v1/events/+/message-settled');
  await hub.ok({ command: 'clock.advance', by: '45m' });
  const expired = new Set();
  while (expired.size < DEVICES * 12) {
    const e = await events.event('message-settled');
    assert.equal(e.result, 'expired');
    assert.ok(!expired.has(e.sequenceNumber), 'each ends once');
    expired.add(e.sequenceNumber);
  }
  assert.deepEqual(await counts(hub), ids.map(() => 3));
  await hub.restart();
  assert.deepEqual(await counts(hub), ids.map(() => 3));
  assert.deepEqual(events.client.messages(), []);
});

test('a message of 64 KB and any bytes arrives as it was sent', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev/m');
  const m = await hub.device('dev/m');
  await m.subscribe('devices/dev/modules/m/#', 1);
  const bytes = Buffer.from(Array.from({ length: 65536 }, (_, n) => n * 7 & 255));
  await hub.ok({ command: 'message.send', deviceId: 'dev', moduleId: 'm', bodyBase64: bytes.toString('base64'), properties: { a: '~', b: null } });
  const p = await m.message('devices/dev/modules/m/messages/devicebound/');
  assert.equal(p.topic, 'devices/dev/modules/m/messages/devicebound/%24.to=%2Fdevices%2Fdev%2Fmodules%2Fm%2Fmessages%2FdeviceBound&a=~&b');
  assert.ok(p.payload.equals(bytes));
});

test('a full disk refuses a message, and delivers none that is not stored', async (t) => {
  const hub = await startHub(t, { fileLimitKb: 700 });
  await hub.create('dev');
  const body = 'x'.repeat(60000);
  let accepted = 0, refused;
  while (!refused && accepted < 50) {
    const { status, body: answer } = await hub.command({ command: 'message.send', deviceId: 'dev', body });
    if (status === 200) accepted++;
    else refused = [status, answer.errorCode];
  }
  assert.deepEqual(refused, [500, 500001]);
  await hub.kill();
  hub.options.fileLimitKb = 0;
  await hub.start();
  assert.equal((await hub.ok({ command: 'device.show', deviceId: 'dev' })).cloudToDeviceMessageCount, accepted);
});
