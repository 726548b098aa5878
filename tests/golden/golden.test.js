// golden.test.js - do we still say exactly what we said? Said again, compared to the letter; changing one is a reviewed act:
//   TWINSIM_GOLDEN=write node --test tests/golden && git diff tests/golden
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { startHub } = require('../support/hub.js');
const { runScenario } = require('../support/runner.js');
const { twinsim } = require('../support/twinsim.js');

const TINY = `node ${path.join(__dirname, '../support/tiny-agent.js')}`;

function compare(name, got) {
  const golden = path.join(__dirname, name);
  if (process.env.TWINSIM_GOLDEN === 'write') fs.writeFileSync(golden, got);
  assert.equal(got, fs.readFileSync(golden, 'utf8'), `${name} says something else; TWINSIM_GOLDEN=write takes it over`);
}

test('what lint says about a file full of mistakes stays as it is', async () => {
  const dir = path.join(__dirname, 'lint');
  for (const file of fs.readdirSync(dir).filter((name) => name.endsWith('.jsonc'))) {
    const { code, stderr } = await twinsim('lint', file, { cwd: dir });
    assert.equal(code, 3);
    compare(`lint/${file.replace('.jsonc', '.txt')}`, stderr);
  }
});

test('the live report of a red scenario stays as it is', async (t) => {
  const { code, stdout, dir } = await runScenario(t, { name: 'a report that is not as it should be', agent: { as: 'edge-1/m' }, steps: [
    { log: 'listening' },
    { desired: { a: 1, b: { c: 1 } } },
    { expect: 'reported' },
    { desired: { a: 1, b: { c: 6 }, d: ['y'] } },
    { expect: 'reported', match: { a: 2, 'b.c': { $gt: 5 }, d: ['x'], e: true }, within: '300ms' }] }, '--agent', `${TINY} echo`);
  assert.equal(code, 1);
  compare('run/red.txt', stdout.replaceAll(dir, 'DIR').replace(/\d+\.\d+ s/g, 'N s').replace(/ +N s/g, ' N s').replace(/#\d+/g, '#N'));
});

test('the overview of the verbs and the help of run and explore stay as they are', async () => {
  compare('help/overview.txt', (await twinsim('help')).stdout);
  compare('help/run.txt', (await twinsim('help', 'run')).stdout);
  compare('help/explore.txt', (await twinsim('help', 'explore')).stdout);
});

test('a conversation about one twin stays as it is, on the wire and on the event stream', async (t) => {
  const hub = await startHub(t);
  const events = await hub.listen();
  const lines = [];
  await hub.create('dev', { twin: { tags: { site: 'A' }, properties: { desired: { cfg: { rate: 5.0 } } } } });
  const dev = await hub.device('dev');
  const heard = async (what) => {
    const p = await dev.message('$iothub/', { what });
    lines.push(`< ${p.topic} ${p.payload}`);
  };
  const say = async (topic, body) => {
    lines.push(`> ${topic} ${body}`);
    await dev.publish(topic, body, { qos: 0 });
    await heard(topic);
  };
  await dev.subscribe('$iothub/twin/res/#', 0);
  await dev.subscribe('$iothub/twin/PATCH/properties/desired/#', 0);
  await say('$iothub/twin/GET/?$rid=1', ' ');
  await say('$iothub/twin/PATCH/properties/reported/?$rid=2', '{"fw":"1.2","n":22.00,"o":{"a":1}}');
  await say('$iothub/twin/PATCH/properties/reported/?$rid=3&$version=1', '{"fw":"1.3"}');
  await say('$iothub/twin/PATCH/properties/reported/?$rid=4', '{"$version":1}');
  await say('$iothub/twin/PATCH/properties/reported/?$rid=5', '{"a":');
  await hub.update('dev', { tags: { site: null }, properties: { desired: { cfg: { rate: null, unit: 'ms' }, list: [1, 2] } } });
  await heard('a note of the patch');
  await hub.ok({ command: 'twin.replace', deviceId: 'dev', twin: { properties: { desired: { list: [3] } } } });
  await heard('a note of the replacement');
  await say('$iothub/twin/GET/?$rid=6', '');
  await events.event('twin-get', (e) => e.rid === '6');
  lines.push('', ...events.seen.map(({ topic, ...e }) => `${topic} ${JSON.stringify(e)}`));
  lines.push('', JSON.stringify(await hub.twin('dev'), null, 1));
  const masked = lines.join('\n').replace(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"TIME"').replace(/"mono_us":\d+/g, '"mono_us":N').replace(/"trackingId":"[^"]+"/g, '"trackingId":"ID"').replace(/"deviceEtag": "[^"]+"/g, '"deviceEtag": "TAG"').replace(/"cause":"c\d+"/g, '"cause":"C"').replace(/"peer":"127[^"]*"/g, '"peer":"PEER"');
  compare('hub/twin.txt', `${masked}\n`);
});
