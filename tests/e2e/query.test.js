// query.test.js - the query language over a real hub: from the control topic, and from the command line.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { startHub } = require('../support/hub.js');
const { temporary, up } = require('../support/twinsim.js');

/** All items of a query, page after page; `pages` counts them. */
async function all(service, query, more = {}) {
  const items = [];
  for (let pages = 1, continuation; ; pages++) {
    const { status, body } = await service.command({ command: 'query', query, ...more, ...(continuation && { continuation }) });
    assert.equal(status, 200, body.message);
    items.push(...body.items);
    continuation = body.continuation;
    if (!continuation) return { items, pages, type: body.type };
  }
}

/** 250 devices, each fifth with a module; what is written is found by a restarted hub too. */
async function populate(service) {
  const commands = [];
  for (let n = 0; n < 250; n++) {
    const deviceId = `d${String(n).padStart(3, '0')}`;
    commands.push({ command: 'device.create', deviceId, twin: { tags: { n, site: ['attic', 'cellar', 'yard'][n % 3] }, properties: { reported: { battery: n % 100 } } } });
    if (n % 5 === 0) commands.push({ command: 'module.create', deviceId, moduleId: `m${n % 2}`, twin: { properties: { reported: { on: n % 2 === 0 } } } });
  }
  const responses = await service.commands(commands);
  assert.ok(responses.every((r) => r.status === 200));
}

test('twins are selected, projected, counted and grouped, page by page, from memory and from disk (facts Q-02, Q-06, Q-08, Q-14)', async (t) => {
  const hub = await startHub(t);
  let s = await hub.service();
  await populate(s);
  for (const restarted of [false, true]) {
    if (restarted) {
      await hub.restart();
      s = await hub.service();
    }
    const some = await all(s, "SELECT deviceId, tags.site FROM devices WHERE tags.site = 'yard' AND properties.reported.battery < 10");
    const want = Array.from({ length: 250 }, (_, n) => n).filter((n) => n % 3 === 2 && n % 100 < 10);
    assert.deepEqual(some.items, want.map((n) => ({ deviceId: `d${String(n).padStart(3, '0')}`, site: 'yard' })));
    assert.equal(some.type, 'Raw');

    const whole = await all(s, 'SELECT * FROM devices', { top: 60 });
    assert.equal(whole.items.length, 250);
    assert.equal(new Set(whole.items.map((twin) => twin.deviceId)).size, 250);
    assert.ok(whole.pages >= 5);
    assert.equal(whole.type, 'Twin');
    assert.deepEqual(whole.items[7], (await s.command({ command: 'twin.show', deviceId: 'd007' })).body);

    assert.deepEqual((await all(s, 'SELECT COUNT() AS n, SUM(tags.n) AS s, AVG(tags.n) AS a, MIN(tags.n) AS l, MAX(tags.n) AS m FROM devices')).items,
      [{ n: 250, s: 31125, a: 124.5, l: 0, m: 249 }]);
    assert.deepEqual((await all(s, 'SELECT tags.site, COUNT() AS n FROM devices GROUP BY tags.site')).items,
      [{ site: 'attic', n: 84 }, { site: 'cellar', n: 83 }, { site: 'yard', n: 83 }]);
    assert.equal((await all(s, 'SELECT TOP 130 * FROM devices')).items.length, 130);

    const modules = await all(s, "SELECT deviceId, moduleId FROM devices.modules WHERE moduleId = 'm1' AND properties.reported.on = false");
    assert.deepEqual(modules.items.map((m) => m.deviceId), want25());
    assert.equal((await all(s, 'SELECT * FROM devices.modules', { top: 7 })).items.length, 50);
  }
});

const want25 = () => Array.from({ length: 250 }, (_, n) => n).filter((n) => n % 5 === 0 && n % 2 === 1).map((n) => `d${String(n).padStart(3, '0')}`);

test('a query sees what a device has just reported, and that it is connected (facts Q-12)', async (t) => {
  const hub = await startHub(t);
  await hub.create('dev');
  const device = await hub.device('dev');
  await device.subscribe('$iothub/twin/res/#');
  await device.publish('$iothub/twin/PATCH/properties/reported/?$rid=1', '{"fan":{"speed":3}}', { qos: 1 });
  const s = await hub.service();
  const query = "SELECT deviceId FROM devices WHERE connectionState = 'Connected' AND properties.reported.fan.speed >= 3 AND properties.reported.$version = 2";
  assert.deepEqual((await all(s, query)).items, [{ deviceId: 'dev' }]);
});

test('what is no query is refused with 400 and its place (facts Q-13)', async (t) => {
  const hub = await startHub(t);
  const s = await hub.service();
  const { status, body } = await s.command({ command: 'query', query: 'SELECT *\nFROM devices ORDER BY deviceId' });
  assert.deepEqual([status, body.errorCode], [400, 400004]);
  assert.match(body.message, /^line 2, column 14: queries over twins have no ORDER/);
});

test('query prints whole twins, a table of flat columns, JSON of the rest, and an array with --json', async (t) => {
  const hub = await up(t);
  await hub.ok('device', 'create', 'a', '--twin', '{"tags":{"site":"attic","n":1.50}}');
  await hub.ok('device', 'create', 'b', '--twin', '{"tags":{"site":"yard\\u001b[31m\\n","long":"' + 'x'.repeat(100) + '"}}');
  await hub.ok('module', 'create', 'b/m');

  assert.equal(await hub.ok('query', 'SELECT deviceId, tags.site, tags.n FROM devices'),
    'deviceId  site        n\na         attic       1.50\nb         yard [31m   -\n');
  assert.equal(await hub.ok('query', "SELECT tags.long FROM devices WHERE deviceId = 'b'"), `long\n${'x'.repeat(39)}…\n`);
  assert.deepEqual(JSON.parse(await hub.ok('query', "SELECT tags FROM devices WHERE id = 'a'")), { tags: { site: 'attic', n: 1.5 } });
  assert.match(await hub.ok('query', 'SELECT * FROM devices.modules'), /^b\/m {2}enabled, Disconnected, version 2, etag AAAAAAAAAAE=\ntags\n/);
  assert.deepEqual(await hub.json('query', 'SELECT deviceId, tags.n FROM devices'), [{ deviceId: 'a', n: 1.5 }, { deviceId: 'b' }]);
  assert.deepEqual(await hub.json('query', 'SELECT deviceId FROM devices', '--top', '1'), [{ deviceId: 'a' }]);
  assert.deepEqual(await hub.json('query', 'SELECT * FROM devices WHERE false'), []);
  assert.equal(await hub.ok('query', 'SELECT * FROM devices WHERE false'), '');
  assert.equal(await hub.ok('query', 'SELECT COUNT() AS n FROM devices'), 'n\n2\n');

  const refused = await hub.run('query', 'SELECT * FROM things', '--json');
  assert.equal(refused.code, 5);
  assert.deepEqual(JSON.parse(refused.stderr).error.code, 400004);
});

test('query pages to the end, or to --top', async (t) => {
  const hub = await up(t);
  const dir = temporary(t);
  for (let n = 0; n < 130; n++) fs.writeFileSync(path.join(dir, `d${n}.json`), JSON.stringify({ deviceId: `d${n}`, twin: { tags: { k: 1 } } }));
  await hub.ok('import', dir);
  assert.equal((await hub.json('query', 'SELECT deviceId FROM devices')).length, 130);
  assert.equal((await hub.json('query', 'SELECT * FROM devices', '--top', '120')).length, 120);
  assert.equal((await hub.ok('query', 'SELECT deviceId FROM devices WHERE tags.k = 1')).split('\n').length, 132);
});
