// message-redelivery.test.js - messages to a device that withholds its PUBACK, leaves, is cut off, is taken over, or meets a hub that is
// killed: each comes again until it is acknowledged, in order, and never after that (facts M-10, M-11, M-21, M-43).
'use strict';
const assert = require('node:assert/strict');
const test = require('node:test');
const { startHub } = require('../support/hub.js');
const { TYPE, packet, u16 } = require('../support/mqtt-wire.js');

const BOUND = 'devices/dev/messages/devicebound/#';
const TO = 'devices/dev/messages/devicebound/%24.to=%2Fdevices%2Fdev%2Fmessages%2FdeviceBound';

/** A hub behind its front door, and a device there. */
async function startBoth(t, options) {
  const hub = await startHub(t, { gateway: true, ...options });
  await hub.create('dev');
  return { hub, door: { clean: false } };
}

/** A device that acknowledges nothing by itself. */
function come(hub, door) {
  return hub.device('dev', { ...door, acknowledges: false });
}
const send = async (hub, body, more = {}) => (await hub.ok({ command: 'message.send', deviceId: 'dev', body: String(body), ...more })).sequenceNumber;
const waiting = async (hub) => (await hub.ok({ command: 'message.list', deviceId: 'dev' })).items;
const bodies = async (hub) => (await waiting(hub)).map((m) => Number(m.body));
const puback = (dev, p) => dev.send(packet(TYPE.PUBACK, 0, u16(p.packetId)));
const next = (dev) => dev.message('devices/dev/messages/devicebound/');
const settled = (events) => events.event('message-settled');

/** The next messages have these bodies, in this order, and nothing else has come. */
async function hears(dev, expected, dup) {
  const got = [];
  for (const body of expected) {
    const p = await next(dev);
    assert.deepEqual([p.payload.toString(), p.topic, p.qos, p.retain], [String(body), TO, 1, false]);
    if (dup !== undefined) assert.equal(p.dup, dup, `DUP of ${body}`);
    got.push(p);
  }
  await dev.ping();
  assert.deepEqual(dev.messages(), []);
  assert.equal(new Set(got.map((p) => p.packetId)).size, got.length, 'each has a packet id of its own');
  return got;
}

test('a message waits as long as its PUBACK is withheld, is sent once on one connection, and the PUBACK completes it', async (t) => {
  const { hub, door } = await startBoth(t);
  const events = await hub.listen();
  const dev = await come(hub, door);
  await dev.subscribe(BOUND, 1);
  const number = await send(hub, 'a');
  const [p] = await hears(dev, ['a'], false);
  assert.deepEqual((await waiting(hub)).map((m) => [m.sequenceNumber, m.inFlight, m.deliveryCount]), [[number, true, 0]]);
  await dev.ping();
  await hub.ok({ command: 'clock.advance', by: '10m' }); // no lock of a minute is over, nothing is sent again (known differences)
  await hears(dev, []);
  puback(dev, p);
  const e = await settled(events);
  assert.deepEqual([e.sequenceNumber, e.result], [number, 'completed']);
  assert.deepEqual(await waiting(hub), []);
  puback(dev, p); // once more completes nothing, and ends nothing
  await dev.ping();
});

for (const [how, leave] of [['says good-bye', (dev) => dev.disconnect()], ['is cut off', (dev) => dev.drop()]]) {
  test(`what a device that ${how} has not acknowledged comes again behind the CONNACK, before any SUBSCRIBE`, async (t) => {
    const { hub, door } = await startBoth(t);
    const events = await hub.listen();
    const dev = await come(hub, door);
    await dev.subscribe(BOUND, 1);
    for (const body of [1, 2, 3]) await send(hub, body);
    const [, second] = await hears(dev, [1, 2, 3], false);
    puback(dev, second);
    assert.equal((await settled(events)).result, 'completed');
    await leave(dev);
    await events.event('disconnected', (e) => e.device === 'dev');
    await send(hub, 4);
    const back = await come(hub, door);
    assert.equal(back.connack.sessionPresent, true);
    const [one] = await hears(back, [1, 3, 4]);
    assert.equal(one.dup, true);
    assert.deepEqual(await bodies(hub), [1, 3, 4]);
  });
}

test('a clean session hears nothing before it subscribes, and then all of it', async (t) => {
  const { hub, door } = await startBoth(t);
  const dev = await come(hub, door);
  await dev.subscribe(BOUND, 1);
  await send(hub, 1);
  await hears(dev, [1]);
  const clean = await come(hub, { ...door, clean: true });
  assert.equal(clean.connack.sessionPresent, false);
  await send(hub, 2);
  await hears(clean, []);
  await clean.subscribe(BOUND, 1);
  await hears(clean, [1, 2]);
});

test('who takes over is sent what the older connection did not acknowledge', async (t) => {
  const { hub, door } = await startBoth(t);
  const events = await hub.listen();
  const dev = await come(hub, door);
  await dev.subscribe(BOUND, 1);
  for (const body of [1, 2]) await send(hub, body);
  const [, second] = await hears(dev, [1, 2], false);
  const other = await come(hub, door);
  await dev.closed();
  const [one, two] = await hears(other, [1, 2], true);
  puback(dev, second); // goes nowhere
  puback(other, one);
  assert.equal((await settled(events)).sequenceNumber, 1);
  assert.deepEqual(await bodies(hub), [2]);
  puback(other, two);
  assert.equal((await settled(events)).sequenceNumber, 2);
});

for (const how of ['kill', 'stop']) {
  test(`a hub that is ${how === 'kill' ? 'killed' : 'stopped'} sends again what was not acknowledged, and nothing of the rest`, async (t) => {
    const { hub, door } = await startBoth(t);
    const events = await hub.listen();
    let dev = await come(hub, door);
    await dev.subscribe(BOUND, 1);
    for (const body of [1, 2, 3]) await send(hub, body);
    const [first] = await hears(dev, [1, 2, 3]);
    puback(dev, first);
    await settled(events); // said, so on disk
    await hub[how]();
    await hub.start();
    await dev.closed();
    dev = await come(hub, door);
    assert.equal(dev.connack.sessionPresent, true);
    await hears(dev, [2, 3]);
    assert.ok((await send(hub, 4)) > 3, 'no number comes twice');
    await hears(dev, [4]);
  });
}

test('at most sixteen are on their way; a PUBACK in any order makes room for the next', async (t) => {
  const { hub, door } = await startBoth(t);
  const dev = await come(hub, door);
  for (let n = 1; n <= 20; n++) await send(hub, n);
  await dev.subscribe(BOUND, 1);
  const got = await hears(dev, [...Array(16).keys()].map((n) => n + 1));
  puback(dev, got[5]);
  await hears(dev, [17]);
  puback(dev, got[0]);
  await hears(dev, [18]);
  assert.deepEqual((await bodies(hub)).length, 18);
});

for (const [gateway, qos] of [[false, 1], [false, 0], [true, 0]]) {
  test(`${gateway ? 'through' : 'without'} the gateway, granted QoS ${qos}, handing over completes`, async (t) => {
    const { hub, door } = await startBoth(t, { gateway });
    const events = await hub.listen();
    const dev = await come(hub, door);
    await dev.subscribe(BOUND, qos);
    await send(hub, 'x');
    assert.equal((await next(dev)).qos, qos);
    assert.equal((await settled(events)).result, 'completed');
    assert.deepEqual(await waiting(hub), []);
  });
}

/** Numbers below n that look random and repeat with the seed. */
function dice(seed) {
  let state = BigInt(seed);
  return (n) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffffffffffffffffn;
    return Number(state >> 33n) % n;
  };
}

test('ten rounds of kill -9 at random moments: nothing accepted is lost, nothing unacknowledged completes, nothing completed comes again', async (t) => {
  const seed = Number(process.env.TWINSIM_SEED ?? Date.now() % 1000000);
  t.diagnostic(`TWINSIM_SEED=${seed}`);
  const roll = dice(seed);
  const { hub, door } = await startBoth(t);
  const submitted = [], accepted = new Set(), acknowledged = new Set(), completed = new Set(), heard = new Set();
  let dev = await come(hub, door), before = [];
  await dev.subscribe(BOUND, 1);

  for (let round = 0; round < 10; round++) {
    const events = await hub.listen(), onConnection = [];
    let left = 20 + roll(60);
    let strike;
    const struck = new Promise((resolve) => (strike = resolve));
    const happened = () => --left === 0 && strike();

    const sending = (async () => {
      for (;;) {
        const n = submitted.length + 1;
        submitted.push(n);
        const { status } = await hub.command({ command: 'message.send', deviceId: 'dev', body: String(n), messageId: `m-${n}` });
        if (status === 200) accepted.add(n);
        else assert.equal(status, 403); // the queue is full
        happened();
      }
    })().catch((e) => e);
    const listening = (async () => {
      for (;;) {
        const p = await next(dev), n = Number(p.payload);
        onConnection.push(n);
        heard.add(n);
        if (roll(3)) {
          acknowledged.add(n);
          puback(dev, p);
        }
        happened();
      }
    })().catch((e) => e);
    const counting = (async () => {
      for (;;) {
        const e = await settled(events);
        assert.equal(e.result, 'completed');
        completed.add(Number(e.messageId.slice(2)));
      }
    })().catch((e) => e);

    await struck;
    await hub.kill();
    for (const end of [sending, listening, counting]) assert.match((await end).message, /closed/);
    await hub.start();

    assert.deepEqual(onConnection, [...onConnection].sort((a, b) => a - b), 'in order');
    assert.deepEqual(onConnection.slice(0, before.length), before.slice(0, onConnection.length), 'first what waited before');
    const still = await bodies(hub), there = new Set(still);
    for (const n of accepted) assert.ok(there.has(n) || acknowledged.has(n), `${n} was accepted and is neither acknowledged nor there`);
    for (const n of completed) assert.ok(acknowledged.has(n) && !there.has(n), `${n} was completed`);
    for (const n of there) assert.ok(n <= submitted.length);
    before = still;
    dev = await come(hub, door);
    assert.equal(dev.connack.sessionPresent, true);
  }

  const events = await hub.listen('$twinsim/v1/events/dev/message-settled');
  for (const n of before) {
    const p = await next(dev);
    assert.equal(Number(p.payload), n);
    heard.add(n);
    puback(dev, p);
    await settled(events);
  }
  assert.deepEqual(await waiting(hub), []);
  for (const n of accepted) assert.ok(heard.has(n), `${n} was accepted and never came`);
});
