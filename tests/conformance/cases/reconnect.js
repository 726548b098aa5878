// reconnect.js - the connection is lost, the hub restarts or is killed: the SDK comes back, and hears.
'use strict';
const { assert } = require('../lib/case.js');

/** Connected, and listening for desired changes and methods. */
async function listener(x, options) {
  const c = await x.open(options);
  await x.event('connected');
  await c.listen('desired');
  await c.onMethods({ ping: () => ({ status: 200, payload: 'pong' }) });
  await c.twin(); // the answer comes behind the SUBACKs: the SDK knows that it has subscribed
  return c;
}
/** Its connection is cut; resolves when it is back. */
async function cut(x) {
  await x.fault('disconnect');
  assert.equal((await x.event('disconnected')).reason, 'fault');
  await x.event('connected');
}
/** A change reaches it. Whatever SDK it is, a subscription that it makes anew may come after it is back: changes go on until one is heard. */
async function hearsAgain(x, c, after) {
  for (let i = 0; ; i++) {
    await x.desired({ after, i });
    const { delivered } = await x.event('desired', (e) => e.patch.i === i);
    if (delivered) break;
    await x.event('subscribed', (e) => /desired/.test(e.filter));
  }
  assert.equal((await c.change((patch) => patch.after === after)).after, after);
}
/** A method called now reaches it, as soon as it is back. */
async function answersAgain(x) {
  const { status, body } = await x.call('ping', { payload: {}, connectTimeoutInSeconds: 60 });
  assert.deepEqual([status, body], [200, { status: 200, payload: 'pong' }]);
}
/** What SDKs' own end-to-end tests send to have a fault happen to them. */
const wish = (type, { delay = 0, duration = 0 } = {}) => ({
  body: '"wish"', properties: { AzIoTHub_FaultOperationType: type, AzIoTHub_FaultOperationCloseReason: 'boom', AzIoTHub_FaultOperationDelayInSecs: String(delay), AzIoTHub_FaultOperationDurationInSecs: String(duration) },
});
async function backAfter(x, type) {
  const c = await listener(x);
  await c.send(wish(type, { delay: 0.2, duration: 1 }));
  assert.equal((await x.event('disconnected')).reason, 'fault');
  await x.event('connected');
  await hearsAgain(x, c, type);
  await c.send({ body: '"after"' });
  assert.equal((await x.event('telemetry')).body, 'after', 'the wish itself is no telemetry');
}
const messages = { hub: ['--fault-messages'] };

module.exports = {
  async 'reconnect-desired'(x) {
    const c = await listener(x);
    await cut(x);
    await hearsAgain(x, c, 'cut');
  },

  async 'reconnect-without-subscribing'(x) {
    const c = await listener(x);
    await cut(x);
    await x.desired({ after: 'cut' });
    await c.change((patch) => patch.after === 'cut');
    assert.deepEqual(x.untaken('subscribed').filter((e) => /desired/.test(e.filter)), []);
  },

  async 'reconnect-clean-session'(x) {
    const c = await x.open({ clean: true });
    await c.listen('desired');
    await c.onMethods({ ping: () => ({ status: 200, payload: 'pong' }) });
    for (const turn of [1, 2]) {
      assert.equal((await x.event('connected')).clean, true);
      await c.report({ turn });
      await x.fault('disconnect');
      await x.event('subscribed', (e) => /desired/.test(e.filter));
      await x.desired({ turn });
      assert.equal((await c.change()).turn, turn);
      await answersAgain(x);
    }
    assert.equal((await c.twin()).reported.turn, 2);
  },

  async 'reconnect-methods'(x) {
    await listener(x);
    await x.fault('disconnect');
    await x.event('disconnected');
    const { status, body } = await x.call('ping', { payload: {}, connectTimeoutInSeconds: 60 });
    assert.deepEqual([status, body], [200, { status: 200, payload: 'pong' }]);
  },

  async 'reconnect-report'(x) {
    const c = await listener(x);
    await cut(x);
    await c.report({ back: true });
    assert.deepEqual((await c.twin()).reported, { back: true, $version: 2 });
  },

  async 'reconnect-telemetry'(x) {
    const c = await listener(x);
    await cut(x);
    await c.send({ body: '{"n":1}' });
    assert.deepEqual((await x.event('telemetry')).body, { n: 1 });
  },

  async 'reconnect-thrice'(x) {
    const c = await listener(x);
    for (const turn of ['first', 'second', 'third']) {
      await cut(x);
      await hearsAgain(x, c, turn);
      await c.twin(); // whatever it does on coming back is done: a cut in the middle of that is another case
    }
  },

  async 'reconnect-kept-out'(x) {
    const c = await listener(x);
    const closed = await x.fault('disconnect', { operation: 'connect', times: 0 });
    await x.fault('disconnect');
    for (let tries = 0; tries < 2; tries++) await x.event('fault', (e) => e.operation === 'connect');
    await x.clearFault(closed);
    await x.event('connected');
    await hearsAgain(x, c, 'all');
  },

  async 'reconnect-hub-restarted'(x) {
    const c = await listener(x);
    await x.hub.restart();
    await answersAgain(x);
    await x.desired({ after: 'restart' });
    await c.change((patch) => patch.after === 'restart');
  },

  async 'reconnect-hub-killed'(x) {
    const c = await listener(x);
    await c.report({ before: 'kill' });
    await x.hub.kill();
    await answersAgain(x);
    await x.desired({ after: 'kill' });
    await c.change((patch) => patch.after === 'kill');
    assert.deepEqual((await c.twin()).reported, { before: 'kill', $version: 2 });
  },

  async 'reconnect-killed-amid-reports'(x) {
    const c = await listener(x);
    const accepted = [];
    let goesOn = true;
    const reporting = (async () => {
      for (let i = 0; goesOn; i++) {
        await c.report({ [`r${i}`]: i });
        accepted.push(i);
      }
    })();
    reporting.catch(() => {}); // the one that the kill met may fail, or never end
    for (let i = 0; i < 20; i++) await x.event('reported');
    await x.hub.kill();
    goesOn = false;
    const told = [...accepted];
    assert.ok(told.length > 10);
    const reported = await x.reported();
    for (const i of told) assert.equal(reported[`r${i}`], i, `report ${i}, of ${told.length} that it was told were accepted`);
    await answersAgain(x);
    assert.equal((await c.twin()).reported.r0, 0);
  },

  async 'reconnect-missed'(x) {
    const first = await x.open();
    await first.listen('desired');
    await first.disconnect();
    await x.event('disconnected');
    await x.desired({ missed: 1 });
    const second = await x.connect();
    assert.deepEqual((await second.twin()).desired, { missed: 1, $version: 2 });
    await second.request('listen', { what: 'desired' }); // its session has the subscription: none may follow
    await x.desired({ heard: 2 });
    assert.deepEqual(await second.change(), { heard: 2, $version: 3 }, 'the first that it is told');
  },

  async 'reconnect-twin'(x) {
    const c = await listener(x);
    const closed = await x.fault('disconnect', { operation: 'connect', times: 0 });
    await x.fault('disconnect');
    await x.event('disconnected');
    await x.desired({ meanwhile: 1 });
    await x.clearFault(closed);
    await x.event('connected');
    assert.deepEqual((await c.twin()).desired, { meanwhile: 1, $version: 2 });
  },

  async 'reconnect-sending'(x) {
    const c = await listener(x);
    await x.fault('disconnect', { operation: 'telemetry' });
    const sent = await c.send({ body: '{"n":1}' }).then(() => true, () => false);
    if (!sent) await x.event('connected').then(() => c.send({ body: '{"n":1}' }));
    assert.deepEqual((await x.event('telemetry')).body, { n: 1 });
    assert.equal((await x.event('disconnected')).reason, 'fault');
  },

  async 'reconnect-sending-many'(x) {
    const c = await listener(x);
    await x.fault('disconnect', { operation: 'telemetry', after: 20 });
    const told = [];
    await Promise.allSettled(Array.from({ length: 50 }, (_, n) => c.send({ body: `{"n":${n}}` }).then(() => told.push(n))));
    assert.ok(told.length >= 20);
    for (const n of told) await x.event('telemetry', (e) => e.body.n === n);
  },

  async 'reconnect-sent-while-away'(x) {
    const c = await listener(x);
    const closed = await x.fault('disconnect', { operation: 'connect', times: 0 });
    await x.fault('disconnect');
    await x.event('fault', (e) => e.operation === 'connect'); // it knows that it is away
    const sent = Promise.all(Array.from({ length: 10 }, (_, n) => c.send({ body: `{"n":${n}}` })));
    await x.event('fault', (e) => e.operation === 'connect');
    await x.clearFault(closed);
    await sent;
    for (let n = 0; n < 10; n++) assert.equal((await x.event('telemetry')).body.n, n);
  },

  async 'reconnect-taken-over-by-fault'(x) {
    const c = await listener(x);
    await x.fault('takeover');
    assert.equal((await x.event('disconnected')).reason, 'takeover');
    await x.event('connected');
    await hearsAgain(x, c, 'takeover');
  },

  'reconnect-kill-tcp': Object.assign((x) => backAfter(x, 'KillTcp'), messages),
  'reconnect-shut-down-mqtt': Object.assign((x) => backAfter(x, 'ShutDownMqtt'), messages),
};
