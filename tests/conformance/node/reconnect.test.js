// The official Node SDK subscribes once and never again: after a drop, a token renewal, a restart, a kill -9 it must still hear (facts C-01).
'use strict';
const { test } = require('node:test');
const { assert, desiredWhere, listeningTwin, open, report, startHub, twinOf } = require('./sdk.js');

/** After what happened to the connection: the device is back, hears a change without having subscribed again, and can report. */
async function stillWorks(hub, events, id, twin) {
  const from = events.seen.length;
  if ((await hub.twin(id)).connectionState !== 'Connected') await events.event('connected', (e) => [e.device, e.module].filter(Boolean).join('/') === id);
  const heard = desiredWhere(twin, (d) => d.after === 'all', 'a desired change after the reconnect');
  await hub.desired(id, { after: 'all' });
  assert.equal((await heard).after, 'all');
  await report(twin, { back: true });
  assert.equal((await hub.twin(id)).properties.reported.back, true);
  assert.ok(!events.seen.slice(from).some((e) => e.kind === 'subscribed'), 'the SDK has not subscribed again');
}

for (const id of ['dev', 'dev/mod']) {
  test(`${id} still receives desired changes after a dropped connection (facts C-01)`, async (t) => {
    const hub = await startHub(t);
    const events = await hub.listen();
    const twin = await listeningTwin(hub, await open(hub, id), events);
    const [deviceId, moduleId] = id.split('/');
    await hub.ok({ command: 'fault.add', type: 'disconnect', deviceId, ...(moduleId && { moduleId }) });
    await stillWorks(hub, events, id, twin);
  });
}

test('still receives desired changes after a token renewal (facts C-01)', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const c = await open(hub, 'dev', { options: { tokenRenewal: { tokenValidTimeInSeconds: 6, tokenRenewalMarginInSeconds: 4 } } });
  await events.event('connected');
  const twin = await listeningTwin(hub, c, events);
  await events.event('connected', (e) => e.device === 'dev', { what: 'the reconnect with a new token' });
  await stillWorks(hub, events, 'dev', twin);
});

test('still receives desired changes after a restart of the hub (facts C-01)', async (t) => {
  const hub = await startHub(t);
  const twin = await listeningTwin(hub, await open(hub, 'dev'), await hub.listen());
  await hub.restart();
  await stillWorks(hub, await hub.listen(), 'dev', twin);
});

test('still receives desired changes after kill -9 of the broker (facts C-01)', async (t) => {
  const hub = await startHub(t);
  const twin = await listeningTwin(hub, await open(hub, 'dev'), await hub.listen());
  await hub.kill();
  await hub.start();
  await stillWorks(hub, await hub.listen(), 'dev', twin);
});

test('a change made while the device was away is in the twin it reads, and is not told later (facts M-33)', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const first = await open(hub, 'dev');
  await listeningTwin(hub, first, events);
  await new Promise((resolve) => first.close(resolve));
  await events.event('disconnected');
  await hub.desired('dev', { missed: 1 });
  const second = await open(hub, 'dev', { exists: true });
  const twin = await twinOf(second);
  assert.equal(twin.properties.desired.missed, 1);
  assert.equal((await hub.twin('dev')).properties.desired.$version, 2);
});
