// run-junit.test.js - the JUnit report of `twinsim run`, as the strictest of its usual readers take it.
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { judgeJunit, readJunit } = require('../support/junit.js');
const { finish, workshop } = require('../support/runner.js');
const { Running } = require('../support/twinsim.js');

/** A run of scenarios (by file) and its report; `during(running)` may interfere. */
async function report(t, files, during) {
  const shop = workshop(t, { name: 'unused', steps: [{ wait: '0s' }] });
  for (const [name, scenario] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(shop.dir, 'all', name)), { recursive: true });
    fs.writeFileSync(path.join(shop.dir, 'all', name), JSON.stringify(scenario));
  }
  const xml = path.join(shop.dir, 'out.xml');
  const running = new Running(['run', 'all', '--junit', xml], { env: shop.env, cwd: shop.dir });
  await during?.(running);
  const { stdout } = await finish(running);
  return { stdout, file: xml, suites: readJunit(fs.readFileSync(xml, 'utf8')).suites };
}

const hostile = 'it says "a" & <b> \u0001\u001b[31m\u007f\uFFFE ]]> 💥';
const files = {
  '1.json': { name: 'passes', steps: [{ wait: '0s' }] },
  'a.b/2-x.y.jsonc': { name: hostile, steps: [{ exec: ['sh', '-c', `printf '%s\\n' '${'\u0002<&>]]>'}'; exit 3`] }] },
  'a.b/3.jsonc': { name: 'an error', steps: [{ exec: 'no-such-program' }] },
};

test('every verdict is told in a report that JUnit readers take (facts C-23)', async (t) => {
  const { file, suites } = await report(t, files);
  assert.deepEqual(suites.map((suite) => [suite.name, suite.tests, suite.failures, suite.errors, suite.skipped]), [['twinsim', '3', '1', '1', '0']]);
  assert.deepEqual(suites[0].cases.map((one) => [one.classname, one.outcome]), [['all.1', 'passed'], ['all.a_b.2-x_y', 'failure'], ['all.a_b.3', 'error']]);
  const [passed, failed, error] = suites[0].cases;
  assert.equal(passed.out, 'passed  wait 0s\n');
  assert.equal(failed.name, hostile.replace(/[\u0001\u001b\u007f\uFFFE]/g, '\uFFFD'));
  assert.match(failed.message, /ended with exit code 3/);
  assert.match(failed.text, /^ {2}all\/a\.b\/2-x\.y\.jsonc:1:\d+: exec /, 'the place in the file');
  assert.match(error.message, /cannot start 'no-such-program'/);
  const judgement = judgeJunit(file);
  if (judgement === null) t.diagnostic('no xmllint here: judged by our own reader alone');
  else assert.equal(judgement, '');
});

test('what was interrupted is skipped, with the reason, and the report is whole', async (t) => {
  const { suites } = await report(t, { '1.json': { name: 'long', steps: [{ exec: 'true' }, { wait: '50s' }] }, '2.json': { name: 'never begun', steps: [{ wait: '0s' }] } }, async (running) => {
    await running.shows(/ok .*exec/);
    running.process.kill('SIGINT');
  });
  assert.deepEqual(suites[0].cases.map((one) => [one.name, one.outcome, one.message]), [['long', 'skipped', 'interrupted'], ['never begun', 'skipped', 'not run: interrupted before']]);
});

test('a schema validator finds what is wrong with a report that is none', (t) => {
  const file = path.join(workshop(t, {}).dir, 'bad.xml');
  fs.writeFileSync(file, '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites><testsuite name="n" tests="1" failures="0" errors="0" skipped="0" time="1"><testcase name="n" classname="c" time="0" line="3"/></testsuite></testsuites>\n');
  assert.throws(() => readJunit(fs.readFileSync(file, 'utf8')), /testcase knows no line/);
  const judgement = judgeJunit(file);
  if (judgement !== null) assert.match(judgement, /attribute 'line' is not allowed/);
});
