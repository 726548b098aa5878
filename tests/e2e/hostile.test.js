// hostile.test.js - clients that do it wrong on purpose: the hub stays up, bounded, and right for everybody else.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const test = require('node:test');
const { startHub, Client, CONTROL } = require('../support/hub.js');
const { connectPacket, publishPacket, packet, TYPE, field, u16 } = require('../support/mqtt-wire.js');

const SEED = Number(process.env.TWINSIM_SEED ?? 1);

/** Numbers that look random and repeat with the seed. */
function dice(seed) {
  let a = seed >>> 0;
  return (n) => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = Math.imul(a ^ (a >>> 15), a | 1);
    t = (t + Math.imul(t ^ (t >>> 7), t | 61)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % n;
  };
}
const memory_kb = (pid) => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);

test(`packets with bytes changed at random hurt nobody (seed ${SEED})`, async (t) => {
  const hub = await startHub(t);
  await hub.create('dev/mod');
  await hub.create('honest');
  const honest = await hub.device('honest');
  await honest.subscribe('$iothub/twin/res/#');
  const random = dice(SEED);
  const good = () => [
    packet(TYPE.SUBSCRIBE, 2, u16(1), field('$iothub/twin/res/#'), Buffer.from([1]), field('devices/+/messages/devicebound/#'), Buffer.from([0])),
    publishPacket('$iothub/twin/GET/?$rid=1', ' ', { qos: 1 }),
    publishPacket('$iothub/twin/PATCH/properties/reported/?$rid=2&$version=1', '{"a":{"b":[1,2.5e3,"\\u00e9",null,true]}}'),
    publishPacket('devices/dev/modules/mod/messages/events/%24.ct=application%2Fjson&a%20b=c', '{"t":1}', { qos: 1, packetId: 3 }),
    publishPacket('$iothub/methods/res/200/?$rid=1', '{}'),
    packet(TYPE.UNSUBSCRIBE, 2, u16(4), field('$iothub/twin/res/#')),
    packet(TYPE.PINGREQ, 0),
  ];
  for (let round = 0; round < 150; round++) {
    const login = hub.login('dev/mod', { will: { topic: 'devices/dev/modules/mod/messages/events/', payload: 'w' }, clean: round % 2 === 0 });
    const c = await Client.socket(login);
    const bytes = Buffer.concat([connectPacket(login), ...good()]);
    const from = random(3) ? connectPacket(login).length : 0; // mostly behind the login
    for (let n = 1 + random(4); n > 0; n--) bytes[from + random(bytes.length - from)] = random(256);
    c.send(random(4) ? bytes : bytes.subarray(0, random(bytes.length)));
    const answered = c.next(() => true, 'anything', { orClosed: true });
    await (random(5) ? Promise.race([answered, honest.ping()]) : honest.ping());
    c.stream.destroy();
  }
  assert.equal((await honest.twinGet('still')).status, 200);
  assert.equal((await hub.ok({ command: 'hub.status' })).healthy, true);
});

test('texts of any kind in topics, bodies, names and commands are answered or closed, never stored half', async (t) => {
  const hub = await startHub(t, { plugin: { forbiddenFilter: '0x80' } });
  await hub.create('dev');
  const random = dice(SEED + 1);
  const pieces = ['devices/', 'dev', '/messages/events/', '$iothub/twin/', 'GET/', 'PATCH/properties/reported/', '?$rid=', '&$version=', '-1', '99999999999999999999', '%', '%zz', '%00', '\u{1f600}', '/', '//', '"', '\\', '$', 'é', 'x'.repeat(300), '{', '}', '[', ']', ':', ',', 'null', '1e999', '{"a":1}'];
  const text = () => Array.from({ length: 1 + random(8) }, () => pieces[random(pieces.length)]).join('');
  let c = await hub.device('dev');
  for (let round = 0; round < 300; round++) {
    if (c.isClosed) c = await hub.device('dev');
    const topic = random(2) ? text() : `$iothub/twin/PATCH/properties/reported/?$rid=${text()}`;
    await c.publish(topic, text(), { qos: random(2) }).catch(() => {});
    if (random(10) === 0) await c.subscribe(text().replace(/[+#]/g, '')).catch(() => {});
    await c.ping().catch(() => {});
  }
  const s = await hub.service();
  for (let round = 0; round < 100; round++) {
    await s.client.publish(CONTROL, random(2) ? text() : JSON.stringify({ commands: [{ command: ['device.create', 'twin.update', 'twin.replace', 'identity.import', 'device.list'][random(5)], deviceId: text(), moduleId: text(), patch: { properties: { desired: { [text()]: text() } } } }] }), { qos: 1 });
    for (const r of await s.responses()) assert.ok(r.status === 200 || r.body.errorCode > 0);
  }
  assert.equal((await hub.ok({ command: 'device.show', deviceId: 'dev' })).deviceId, 'dev');
});

test('a client that asks and never reads is cut off, and holds nobody up (facts B-12)', async (t) => {
  const hub = await startHub(t, { maxQueued: 1000 });
  await hub.create('deaf');
  await hub.create('honest');
  await hub.desired('deaf', Object.fromEntries(Array.from({ length: 7 }, (_, i) => [`k${i}`, 'x'.repeat(4000)])));
  const honest = await hub.device('honest');
  await honest.subscribe('$iothub/twin/res/#');
  const deaf = await hub.device('deaf');
  await deaf.subscribe('$iothub/twin/res/#');
  deaf.stream.pause();
  const request = publishPacket('$iothub/twin/GET/?$rid=1', '');
  let end;
  const gone = new Promise((resolve) => (end = resolve));
  deaf.stream.once('close', end);
  deaf.stream.on('error', end);
  const flood = Buffer.concat(Array.from({ length: 500 }, () => request));
  const events = await hub.listen('$twinsim/v1/events/deaf/disconnected');
  const told = events.event('disconnected');
  let isTold = false;
  told.then(() => (isTold = true));
  for (let i = 0; i < 60 && !isTold; i++) {
    deaf.send(flood);
    assert.equal((await honest.twinGet(`h${i}`)).status, 200);
  }
  assert.equal((await told).device, 'deaf');
  assert.ok(memory_kb(hub.process.pid) < 900_000, 'memory stays bounded');
  deaf.stream.destroy();
  await gone;
});

test('a thousand connections that log in wrongly leave nothing behind', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  for (let i = 0; i < 100; i++) {
    await Promise.all(Array.from({ length: 10 }, async (_, n) => {
      const c = await hub.connect(hub.login(`nobody-${i}-${n}`, { ca: undefined, path: hub.socket }));
      assert.equal(c.connack.code, 5);
      await c.closed();
    }));
  }
  assert.equal((await hub.ok({ command: 'hub.status' })).connected, 0);
  await hub.device('dev');
});
