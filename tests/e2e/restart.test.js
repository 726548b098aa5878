// restart.test.js - what survives: a stop, a kill -9, a full disk, a SIGHUP; and what stops a start.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const test = require('node:test');
const { startHub, prepareHub, sas } = require('../support/hub.js');

const RES = '$iothub/twin/res/#';
const DESIRED = '$iothub/twin/PATCH/properties/desired/#';

async function withAgent(t, options) {
  const hub = await startHub(t, options);
  await hub.create('dev/mod');
  const c = await hub.device('dev/mod', { clean: false });
  await c.subscribe([RES, DESIRED], 1);
  return { hub, c };
}

for (const durability of ['memory', 'process', 'power']) {
  test(`twins and identities survive a clean stop at durability ${durability}`, async (t) => {
    const { hub, c } = await withAgent(t, { plugin: { durability } });
    assert.equal((await c.twinPatch('1', { kept: 1 })).status, 204);
    await hub.desired('dev/mod', { kept: 2 });
    const volatile = { connectionState: 0, lastActivityTime: 0 }; // of the run, not of the store
    const before = await hub.twin('dev/mod');
    await hub.restart();
    const after = await hub.twin('dev/mod');
    assert.deepEqual({ ...after, ...volatile }, { ...before, ...volatile });
    assert.equal((await hub.ok({ command: 'hub.status' })).identities, 2);
  });
}

for (const how of ['restart', 'kill']) {
  test(`after a ${how === 'kill' ? 'kill -9' : 'restart'} a client that never subscribes again hears answers and desired changes (facts C-01)`, async (t) => {
    const { hub, c } = await withAgent(t);
    if (how === 'kill') await hub.kill();
    await hub.restart();
    await c.closed();
    const back = await hub.device('dev/mod', { clean: false });
    assert.equal(back.connack.sessionPresent, hub.hasGateway || how === 'restart', 'the broker forgets its sessions at kill -9; the hub does not');
    const answer = await back.twinGet('1');
    assert.deepEqual([answer.status, answer.qos], [200, 1]);
    await hub.desired('dev/mod', { a: 1 });
    await back.message('$iothub/twin/PATCH/properties/desired/?$version=2');
  });
}

test('no acknowledged change is lost by kill -9 at durability process, over and over', async (t) => {
  const { hub } = await withAgent(t);
  let acknowledged = 0, submitted = 0;
  for (let round = 0; round < 10; round++) {
    const c = await hub.device('dev/mod', { clean: false });
    const writing = (async () => {
      for (;;) {
        submitted++;
        const { status } = await c.twinPatch(String(submitted), { n: submitted });
        assert.equal(status, 204);
        acknowledged = submitted;
      }
    })();
    const end = writing.catch((error) => error);
    while (acknowledged < (round + 1) * 20) await c.ping().catch(() => {});
    await hub.kill();
    assert.match((await end).message, /closed/);
    await hub.start();
    const { reported } = (await hub.twin('dev/mod')).properties;
    assert.ok(reported.n >= acknowledged && reported.n <= submitted, `${acknowledged} <= ${reported.n} <= ${submitted}`);
    acknowledged = submitted = reported.n;
  }
});

test('a full disk refuses changes with 500 and loses nothing that was acknowledged', async (t) => {
  const { hub, c } = await withAgent(t, { fileLimitKb: 600 });
  const text = 'x'.repeat(4000);
  let last = 0, failed;
  for (let n = 1; n <= 400 && !failed; n++) {
    const answer = await c.twinPatch(String(n), { n, text });
    if (answer.status === 204) last = n;
    else failed = answer;
  }
  assert.equal(failed.status, 500);
  assert.equal(failed.body.errorCode, 500001);
  assert.equal((await hub.ok({ command: 'hub.status' })).healthy, false, 'a hub that refuses changes is not healthy');
  await c.closed(); // its record was dropped: it starts anew from what is stored
  const refused = await hub.command({ command: 'device.create', deviceId: 'one-more', twin: { tags: { text: text.slice(0, 2000) } } });
  if (refused.status !== 200) assert.deepEqual([refused.status, refused.body.errorCode], [500, 500001]);
  assert.equal((await hub.twin('dev/mod')).properties.reported.n, last);
  await hub.kill();
  hub.options.fileLimitKb = 0;
  await hub.start();
  assert.equal((await hub.twin('dev/mod')).properties.reported.n, last);
  assert.equal((await hub.device('dev/mod', { clean: false }).then((d) => d.twinPatch('1', { n: 0 }))).status, 204);
});

test('SIGHUP disconnects nobody and changes nothing (facts B-07)', async (t) => {
  const { hub, c } = await withAgent(t);
  const events = await hub.listen();
  const away = await hub.device('dev', { clean: false });
  await away.subscribe(RES, 1);
  await away.disconnect();
  await events.event('disconnected', (e) => e.device === 'dev' && !e.module);
  await hub.reload();
  await c.ping();
  await events.client.ping();
  assert.deepEqual(events.client.messages(), [], 'nobody connected, nobody left');
  assert.equal((await c.twinGet('1')).status, 200);
  const back = await hub.device('dev', { clean: false });
  assert.equal((await back.twinGet('1')).status, 200);
});

test('SIGHUP with an expired token in the meantime still answers from the live connection (facts B-07)', async (t) => {
  const hub = await startHub(t, { plugin: { tokenSkewSeconds: 0 } });
  await hub.create('dev');
  const password = hub.token('dev', { se: Math.floor(Date.now() / 1000) + 600 });
  const c = await hub.device('dev', { password });
  await hub.ok({ command: 'device.renew-key', deviceId: 'dev', keyType: 'both' });
  await hub.reload();
  await c.ping(); // renewed keys end no live connection
  assert.equal((await hub.connect(hub.login('dev', { password }))).connack.code, 5);
});

test('the hub says good-bye before it stops, and its number of events starts anew', async (t) => {
  const { hub } = await withAgent(t);
  const events = await hub.listen();
  const stopping = events.event('hub-stopping');
  await hub.stop();
  assert.equal((await stopping).topic, '$twinsim/v1/hub/hub-stopping');
  await hub.start();
  assert.ok((await hub.ok({ command: 'hub.status' })).seq < 10);
});

test('a second hub on the same data directory does not start, and says who holds it', async (t) => {
  const hub = await startHub(t);
  const second = await prepareHub(t, { plugin: { dataDir: hub.dir } });
  await assert.rejects(second.start(), (error) => {
    assert.match(error.message, new RegExp(`twinsim: .*${hub.process.pid}`));
    return true;
  });
  await hub.create('still-there');
});

test('a damaged store stops the start and is left as it is', async (t) => {
  const hub = await prepareHub(t);
  const file = path.join(hub.dir, 'twinsim.db');
  const foreign = Buffer.alloc(8192, 'not a database ');
  fs.writeFileSync(file, foreign);
  await assert.rejects(hub.start(), /twinsim\.db/);
  assert.deepEqual(fs.readFileSync(file), foreign);
});

test('an option that is unknown, out of range or missing stops the start and says what was meant', async (t) => {
  const hub = await prepareHub(t);
  const good = JSON.parse(fs.readFileSync(path.join(hub.dir, 'plugin.json')));
  const starts = async (options, reason) => {
    fs.writeFileSync(path.join(hub.dir, 'plugin.json'), typeof options === 'string' ? options : JSON.stringify(options));
    await assert.rejects(hub.start(), reason);
  };
  await starts({ ...good, durabilty: 'power' }, /plugin\.json:1:\d+: unknown option "durabilty"; did you mean "durability"\?/);
  await starts({ ...good, durability: 'disk' }, /"durability" is "memory", "process" or "power"/);
  await starts({ ...good, history: 0 }, /"history" is a whole number from 1 to 1000000/);
  await starts({ ...good, history: '10' }, /"history" is a whole number/);
  await starts({ ...good, dataDir: 'relative' }, /"dataDir" is an absolute path/);
  await starts({ ...good, hosts: [] }, /"hosts" is empty/);
  await starts({ ...good, keySeedFile: '/nowhere' }, /"keySeed" or "keySeedFile", not both/);
  await starts({ ...good, keySeed: undefined, keySeedFile: '/nowhere' }, /key seed \/nowhere cannot be read/);
  await starts({ ...good, version: '99.0' }, /written by twinsim 99\.0/);
  await starts({ hosts: good.hosts, keySeed: 'x' }, /"dataDir" is missing/);
  await starts('{"dataDir": "/tmp",\n  oops', /plugin\.json:2:3: /);
  assert.ok(!hub.log.includes(sas.SEED), 'the seed is in no message');
  fs.writeFileSync(path.join(hub.dir, 'seed'), `${sas.SEED}\n`);
  fs.writeFileSync(path.join(hub.dir, 'plugin.json'), JSON.stringify({ ...good, keySeed: undefined, keySeedFile: path.join(hub.dir, 'seed'), version: undefined }));
  await hub.start();
  await hub.create('dev');
  await hub.device('dev');
});

test('one line a request goes to the log, with what was refused and why, and without secrets', async (t) => {
  const hub = await startHub(t, { logRequests: true, plugin: { logRequests: true } });
  await hub.create('dev');
  const c = await hub.device('dev');
  await c.subscribe(RES);
  await c.twinPatch('7', { secret: 'hunter2' });
  await hub.logged(/op=twin_patch device=dev conn=\d+ rid=7 status=204 version=2 us=\d+/);
  await c.publish('foo', 'x');
  await hub.logged(/op=publish device=dev conn=\d+ answer=closed topic=foo reason="[^"]+" us=\d+/);
  await hub.connect(hub.login('dev', { password: hub.token('dev', { se: 1 }) }));
  await hub.logged(/op=connect .*answer=refused client=dev .*reason="the token has expired"/);
  assert.doesNotMatch(hub.log, /hunter2|SharedAccessSignature|sig=/);
});
