// run.test.js - `twinsim run`: verdicts, what explains them, what is written, and what is left behind (nothing).
'use strict';
const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test } = require('node:test');
const { finish, runScenario, workshop } = require('../support/runner.js');
const { readTap } = require('../support/tap.js');
const { Running, temporary, twinsim } = require('../support/twinsim.js');

const ROOT = path.resolve(__dirname, '../..');
const TINY = `node ${path.join(ROOT, 'tests/support/tiny-agent.js')}`;
const agent = { as: 'edge-1/m' };

/** The twelve lines that the documents print, in a tree as they assume it. */
const TWELVE = `{ "$schema": "../schema/scenario.schema.json",
  "name": "a change made while the agent is away is applied when it is back",
  "identities": { "edge-1/azureiotsecurity": { "twin": "../twins/security-default.json" } },
  "agent": { "as": "edge-1/azureiotsecurity" },
  "steps": [
    { "expect": "reported", "match": { "config.highPriorityMessageFrequency": "PT7M" }, "within": "5s" },
    { "fault": "disconnect" },
    { "desired": { "config.highPriorityMessageFrequency": "PT2M" } },
    { "expect": "reported", "match": { "config.highPriorityMessageFrequency": "PT2M" }, "within": "5s" } ],
  "aliases": { "config.*": "ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration.*.value" } }
`;

function tree(t, text) {
  const dir = temporary(t);
  for (const sub of ['twins', 'scenarios', 'tmp']) fs.mkdirSync(path.join(dir, sub));
  fs.copyFileSync(path.join(ROOT, 'fixtures/twins/security-default.json'), path.join(dir, 'twins/security-default.json'));
  fs.writeFileSync(path.join(dir, 'scenarios/away.jsonc'), text);
  return { dir, file: path.join(dir, 'scenarios/away.jsonc'), env: { TMPDIR: path.join(dir, 'tmp'), CI: '', NO_COLOR: '1' } };
}

test('the twelve-line scenario of the documents passes against the reference agent', async (t) => {
  const { dir, file, env } = tree(t, TWELVE);
  const { code, stdout } = await finish(new Running(['run', file], { env }));
  assert.equal(code, 0, stdout);
  assert.match(stdout, /PASSED .*away\.jsonc\n/);
  assert.match(stdout, /^1 passed, 0 failed, 0 errors, 0 skipped in /m);
  assert.deepEqual(fs.readdirSync(path.join(dir, 'tmp')), []);
});

test('one changed value makes it red, with the nearest event, the difference and the place in the file', async (t) => {
  const { file, env } = tree(t, TWELVE.replace('"PT2M" }, "within"', '"PT3M" }, "within"').replace(/"within": "5s" } \],/, '"within": "1s" } ],'));
  const json = `${file}.out`;
  const { code, stdout } = await finish(new Running(['run', file, '--json', json], { env }));
  assert.equal(code, 1);
  assert.match(stdout, /RED +1\.\d+ s +expect reported/);
  assert.ok(stdout.includes(`${file}:9:5: expect reported {"config.highPriorityMessageFrequency":"PT3M"} within 1s\n`), stdout);
  assert.match(stdout, /no such event within 1 s\n/);
  assert.match(stdout, /the nearest: reported #\d+, \d+\.\d+ s after the first step began\n/);
  assert.match(stdout, /config\.highPriorityMessageFrequency: expected "PT3M", got "PT2M"\n/);
  assert.match(stdout, /\| .*op=twin_report/, "the agent's last output");
  const { failure, events } = JSON.parse(fs.readFileSync(json)).scenarios[0];
  assert.deepEqual([failure.line, failure.column, failure.differences], [9, 5, ['config.highPriorityMessageFrequency: expected "PT3M", got "PT2M"']]);
  assert.ok(events.some((event) => event.kind === 'fault'));
});

/** Scenarios of one question each: what the verdict is, and what the report must say. */
const cases = [
  ['never is red at once when there is one', 'failed', /there was one: reported #\d+/, [{ never: 'reported', for: '20s' }], 'report {"a":1}'],
  ['never is red for one that came before it was asked', 'failed', /there was one/, [{ expect: 'connected' }, { wait: '300ms' }, { never: 'reported', for: '100ms' }], 'report {"a":1}'],
  ['never passes when there is none that fits', 'passed', /PASSED/, [{ expect: 'reported' }, { never: 'reported', match: { a: 1 }, for: '200ms' }], 'report {"a":1}'],
  ['a count takes so many and leaves the rest', 'passed', /PASSED/, [{ expect: 'telemetry', count: 2 }, { expect: 'telemetry' }, { never: 'telemetry', for: '100ms' }], 'telemetry 3 1 done'],
  ['a count wants them all', 'failed', /only 3 of 4 such events came; no other within 0\.500 s\n/, [{ expect: 'telemetry', count: 4, within: '500ms' }], 'telemetry 3 1 done'],
  ['a count that is not reached shows what came nearest behind the last', 'failed', /only 1 of 2 such events came; no other within 0\.500 s\n(?=[^]*b: expected 1, got 2\n)(?![^]*too early)/, [{ expect: 'reported', match: { b: 1 }, count: 2, within: '500ms' }], `report '{"b":1}' '{"b":2}'`],
  ['a count by a variable must be one', 'error', /'count' is a number from 1 to 10000/, [{ expect: 'reported', save: { n: 'a' } }, { expect: 'reported', count: '${n}' }], 'report {"a":"x"}'],
  ['a variable that spoils a pattern is an error that says so', 'error', /filled in this step is wrong: \$regex wants/, [{ expect: 'reported', save: { n: 'a' } }, { never: 'reported', match: { a: { $regex: '${n}' } }, for: '1s' }], 'report {"a":1}'],
  ['of the own event of a step before it is told that the cursor stands behind it', 'failed', /the own event of a step before, and the cursor stands behind it: desired #/, [{ desired: { a: 1 } }, { expect: 'desired', within: '200ms' }], 'report {"a":1}'],
  ['a step behind the cursor is told as having come too early', 'failed', /came too early/, [{ expect: 'reported' }, { expect: 'connected', within: '200ms' }], 'report {"a":1}'],
  ['a report that the hub refused is no report', 'failed', /the hub refused it with status 400/, [{ expect: 'reported', match: { $present: true }, within: '500ms' }], 'report {"$bad":1}'],
  ['a refused report is there for who asks for it', 'passed', /PASSED/, [{ expect: 'reported', event: { status: 400 } }], 'report {"$bad":1}'],
  ['an event of another identity is told', 'failed', /one that fits is about edge-1\/m; add "on" if you mean that/, [{ create: 'other' }, { expect: 'reported', on: 'other', within: '500ms' }], 'report {"a":1}'],
  ['a twin without a section says so of the whole section', 'failed', /\n +tags: expected \{"\$absent":true\}, got \{/, [{ expect: 'reported' }, { tags: { a: 1 } }, { twin: { tags: { $absent: true } }, within: '200ms' }], 'report {"a":1}'],
  ['a twin that is not so says where it differs', 'failed', /reported\.a: expected 2, got 1/, [{ expect: 'reported' }, { twin: { reported: { a: 2 }, desired: {} }, within: '200ms' }], 'report {"a":1}'],
  ['a twin is so as soon as the agent reported', 'passed', /PASSED/, [{ twin: { reported: { a: 1 } } }], 'report {"a":1}'],
  ['captures and variables travel from step to step', 'passed', /PASSED/, [{ expect: 'reported', save: { v: '$.version', o: 'a' } }, { desired: { got: '${o}', version: '${v}', text: 'v${v}' } }, { twin: { desired: { got: { n: 1 }, version: { $type: 'integer' }, text: { $regex: '^v[0-9]+$' } } } }], 'report {"a":{"n":1}}'],
  ['a capture of nothing is red', 'failed', /nothing at 'b' to save as 'x'/, [{ expect: 'reported', save: { x: 'b' } }], 'report {"a":1}'],
  ['a log line is found once, and the search goes on behind it', 'failed', /wrote no such line/, [{ log: 'connected' }, { log: 'connected', within: '300ms' }], 'report {"a":1}'],
  ['a log line fits an expression', 'passed', /PASSED/, [{ log: { $regex: '^conn' } }], 'report {"a":1}'],
  ['an exec that fails is red and shows what it said', 'failed', /exit code 3; its last output:\n +why not/, [{ exec: ['sh', '-c', 'echo why not; exit 3'] }], 'report {"a":1}'],
  ['an exec may be expected to fail', 'passed', /PASSED/, [{ exec: ['sh', '-c', 'exit 3'], exit: 3 }, { exec: 'false', exit: { $ne: 0 } }], 'report {"a":1}'],
  ['an exec has a limit', 'failed', /did not end in time; it was killed/, [{ exec: 'sleep 1000', within: '200ms' }], 'report {"a":1}'],
  ['an exec that does not exist is an error', 'error', /cannot start 'no-such-program'/, [{ exec: 'no-such-program' }], 'report {"a":1}'],
  ['an exec gets words, not a shell', 'passed', /PASSED/, [{ exec: ['test', '${moduleId};$(false)', '=', 'm;$(false)'] }], 'report {"a":1}'],
  ['a refusal that was not expected is red', 'failed', /the hub refused it with 4\d+/, [{ create: 'edge-1/m' }], 'report {"a":1}'],
  ['a refusal that was expected passes', 'passed', /PASSED/, [{ create: 'edge-1/m', refused: 409 }, { delete: 'nobody', refused: 404 }], 'report {"a":1}'],
  ['a refusal may be a variable', 'passed', /PASSED/, [{ expect: 'reported', event: { status: 400 }, save: { code: '$.status' } }, { desired: { 'a b': { $x: 1 } }, refused: '${code}' }], 'report {"$bad":1}'],
  ['a refusal that does not come is red', 'failed', /the hub accepted it/, [{ desired: { a: 1 }, refused: 400 }], 'report {"a":1}'],
  ['nobody can be disconnected who is not connected', 'failed', /is not connected/, [{ create: 'other' }, { fault: 'disconnect', on: 'other' }], 'report {"a":1}'],
  ['an injection without a hub is an error', 'error', /the hub is not running/, [{ stop: 'hub' }, { desired: { a: 1 } }], 'report {"a":1}'],
  ['tags and replacements reach the twin', 'passed', /PASSED/, [{ tags: { a: 1 } }, { twin: { tags: { a: 1 } } }, { replace: { desired: { n: 1 }, tags: { b: 2 } } }, { twin: { tags: { a: { $absent: true }, b: 2 }, desired: { n: 1 } } }], 'report {"a":1}'],
  ['the whole has a limit', 'failed', /time limit of the whole scenario/, [{ expect: 'telemetry', within: '60s' }], 'report {"a":1}'],
];
for (const [name, verdict, says, steps, what] of cases) {
  test(name, async (t) => {
    const args = name === 'the whole has a limit' ? ['--timeout', '1s'] : [];
    const { stdout, result, left } = await runScenario(t, { name, agent, steps }, '--agent', `${TINY} ${what.replace(/(?<!')\{.*/, (json) => `'${json}'`)}`, ...args);
    assert.equal(result.verdict, verdict, stdout);
    assert.match(stdout, says);
    assert.deepEqual(left(), []);
  });
}

test('an agent by the scenario gets words, arguments, environment and files, and can be stopped, started and killed', async (t) => {
  const { result, stdout, left } = await runScenario(t, {
    name: 'words', vars: { greeting: "it's a \"test\"" },
    agent: {
      as: 'edge-1/m', start: 'manual',
      command: `node -e "console.log(JSON.stringify([process.argv.slice(1), process.env.GREETING, process.env.HOME ?? null, /^.+$/.test(require('fs').readFileSync('conf/a.json','utf8')), require(process.env.WORK + '/conf/a.json').key.length])); setInterval(()=>{},1000)" '\${greeting} \${seed}'`,
      args: ['${deviceId}', ''], env: { GREETING: '${greeting}', HOME: null, WORK: '${work}' }, files: { 'conf/a.json': { key: '${key}', n: [1] } } },
    steps: [
      { start: 'agent' },
      { log: { $regex: '^\\[\\["it\'s a \\\\"test\\\\" 7","edge-1",""\\],"it\'s a \\\\"test\\\\"",null,true,44\\]' } },
      { restart: 'agent' }, { log: 'edge-1' }, { stop: 'agent' }, { exit: 143 }, { start: 'agent' }, { log: 'edge-1' }, { kill: 'agent' }, { exit: 137 }],
  }, '--seed', '7');
  assert.equal(result.verdict, 'passed', stdout);
  assert.deepEqual(left(), []);
});

test('a twin that the hub refuses at the start is an error of the scenario, not a failure of the agent', async (t) => {
  const { result, stdout } = await runScenario(t, { name: 'n', identities: { 'edge-1/m': { desired: { 'a b': 1 } } }, agent, steps: [{ wait: '0s' }] }, '--agent', `${TINY} report {}`);
  assert.equal(result.verdict, 'error', stdout);
  assert.match(stdout, /the hub refused it with 400/);
});

test('no key and no signature is in any report, however loudly the agent says it', async (t) => {
  const { stdout, report, dir } = await runScenario(t, { name: 'loud', agent, steps: [{ log: 'never said', within: '500ms' }] },
    '--agent', `sh -c 'echo "$IOTHUB_DEVICE_CONNECTION_STRING"; echo "key \${key} end"; echo "sr=x&sig=abc%2Fdef&se=1"'`, '--junit', '@DIR/out.xml', '--keep');
  const all = stdout + JSON.stringify(report) + fs.readFileSync(path.join(dir, 'out.xml'), 'utf8');
  assert.match(all, /SharedAccessKey=\*\*\*/);
  assert.match(all, /key \*\*\* end/);
  assert.match(all, /sig=\*\*\*&se=1/);
  assert.doesNotMatch(all, /[A-Za-z0-9+/]{43}=/);
  fs.rmSync(report.scenarios[0].work, { recursive: true });
});

test('a folder runs in byte order, several at a time, and reports what JUnit and TAP readers want', async (t) => {
  const shop = workshop(t, { name: 'unused', steps: [{ wait: '0s' }] });
  const root = path.join(shop.dir, 'all');
  const put = (file, steps) => {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), JSON.stringify({ name: `it is "${file}" & <others>`, steps }));
  };
  put('b/1.json', [{ wait: '10ms' }]);
  put('b-a.jsonc', [{ exec: 'false' }]);
  put('a/2.jsonc', [{ exec: 'no-such-program' }]);
  put('Z.json', [{ wait: '0s' }]);
  put('include/no.json', [{ exec: 'false' }]);
  put('a/twins/no.json', [{ exec: 'false' }]);
  put('.hidden/no.json', [{ exec: 'false' }]);
  fs.writeFileSync(path.join(root, 'readme.txt'), 'no scenario');
  const xml = path.join(shop.dir, 'out.xml');
  const json = path.join(shop.dir, 'out.json');
  const tap = path.join(shop.dir, 'out.tap');
  const { code, stdout } = await finish(new Running(['run', root, '--jobs', '4', '--quiet', '--junit', xml, '--json', json, '--tap', tap], { env: shop.env }));
  assert.equal(code, 1, stdout);
  const report = JSON.parse(fs.readFileSync(json));
  assert.deepEqual(report.scenarios.map((one) => path.relative(root, one.file)), ['Z.json', 'a/2.jsonc', 'b-a.jsonc', 'b/1.json']);
  assert.deepEqual([report.passed, report.failed, report.errors, report.skipped], [2, 1, 1, 0]);
  const junit = fs.readFileSync(xml, 'utf8');
  assert.match(junit, /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<testsuites tests="4" failures="1" errors="1" time="[\d.]+">\n/);
  assert.match(junit, /<testcase classname="[^"]*\.all\.a\.2" name="it is &quot;a\/2\.jsonc&quot; &amp; &lt;others&gt;" time="[\d.]+">\n {4}<error /);
  assert.equal((junit.match(/<testcase /g) ?? []).length, 4);
  assert.equal((junit.match(/<\/testcase>/g) ?? []).length, 4);
  const { points, bail } = readTap(fs.readFileSync(tap, 'utf8'));
  assert.equal(bail, undefined);
  assert.deepEqual(points.map((point) => [point.ok, point.name]), report.scenarios.map((one) => [one.verdict === 'passed', one.name]));
  const { failure, file } = report.scenarios[2];
  assert.deepEqual(points[2].yaml.at, { file, line: failure.line, column: failure.column });
  assert.deepEqual([points[1].yaml.severity, points[2].yaml.severity, points[2].yaml.message, points[2].yaml.step], ['error', 'fail', failure.message, failure.step]);
  assert.deepEqual(shop.left(), []);
});

test('a table runs its scenario once a row, with a verdict for each', async (t) => {
  const shop = workshop(t, { name: 'a row', agent, each: [
    { change: { n: 1 }, fits: { n: 1 } }, { change: { n: 2 }, fits: { n: { $gt: 2 } } }, { change: { n: 3 }, fits: 3 }, { change: 4, fits: {} }, { change: { n: 5 }, fits: { n: { $regex: 5 } } }],
  identities: { 'edge-1/m': { desired: { start: '${change}' } } },
  steps: [{ log: 'listening' }, { twin: { desired: { start: '${change}' } } }, { desired: '${change}' }, { expect: 'reported', match: '${fits}', within: '500ms' }] });
  const json = path.join(shop.dir, 'out.json');
  const { code, stdout } = await finish(new Running(['run', shop.file, '--jobs', '3', '--json', json, '--agent', `${TINY} echo`], { env: shop.env }));
  const { scenarios } = JSON.parse(fs.readFileSync(json));
  assert.equal(code, 1, stdout);
  assert.deepEqual(scenarios.map((one) => `${one.verdict} ${one.name}`), ['passed a row [1: {"n":1}]', 'failed a row [2: {"n":2}]', 'error a row [3: {"n":3}]', 'error a row [4: 4]', 'error a row [5: {"n":5}]']);
  assert.match(scenarios[1].failure.differences[0], /n: expected .*2.*, got 2/);
  assert.match(scenarios[2].failure.message, /with its variables filled in this step is wrong: 'match' is an object$/);
  assert.match(scenarios[3].failure.message, /'desired' is an object, also when a variable gives it/);
  assert.match(scenarios[4].failure.message, /\$regex wants/);
  assert.deepEqual(shop.left(), []);
});

test('an included file gives variables, aliases and blocks, and a red block is shown where it was done', async (t) => {
  const shop = workshop(t, JSON.stringify({
    name: 'shared', agent, include: ['one.json', 'two.json'], vars: { n: 2 }, aliases: { 'short.*': 'long.*.own' },
    steps: [{ expect: 'reported' }, { do: 'settle' }, { twin: { desired: { long: { x: { own: 2 } }, other: { y: { two: 'first' } } } } }, { do: 'settle' }, { do: 'fail' }] }, null, 1));
  fs.writeFileSync(path.join(shop.dir, 'one.json'), `// comments, too\n${JSON.stringify({ vars: { n: 1, who: 'first' }, aliases: { 'short.*': 'wrong.*' }, blocks: { settle: [{ desired: { 'short.x': '${n}', 'far.y': '${who}' } }, { wait: '0s' }] } })}`);
  fs.writeFileSync(path.join(shop.dir, 'two.json'), JSON.stringify({ vars: { who: 'second' }, aliases: { 'far.*': 'other.*.two' }, blocks: { settle: [{ exec: 'false' }], fail: [{ exec: ['sh', '-c', 'exit 3'] }] } }));
  const json = path.join(shop.dir, 'out.json');
  const { stdout } = await finish(new Running(['run', shop.file, '--json', json, '--agent', `${TINY} report '{"a":1}'`], { env: shop.env }));
  const [result] = JSON.parse(fs.readFileSync(json)).scenarios;
  assert.equal(result.verdict, 'failed', stdout);
  assert.deepEqual(result.steps.map((step) => [step.verdict, step.text]).slice(1).map(([verdict, text]) => `${verdict} ${text.split(' ').slice(0, 2).join(' ')}`),
    ['passed settle: desired', 'passed settle: wait', 'passed twin {"desired":{"long":{"x":{"own":2}},"other":{"y":{"two":"first"}}}}', 'passed settle: desired', 'passed settle: wait', 'failed fail: exec']);
  const at = fs.readFileSync(shop.file, 'utf8').split('\n').findIndex((line) => line.includes('"fail"'));
  assert.equal(result.failure.line, at); // the line of the brace before it
  assert.match(result.failure.step, /^fail: exec /);
});

test('with one wrong file nothing is run, and the exit code is 3', async (t) => {
  const shop = workshop(t, { name: 'fine', steps: [{ exec: ['touch', '${dir}/proof'] }] });
  fs.writeFileSync(path.join(shop.dir, 't.jsonc'), '{"name":"n","steps":[{"wiat":"1s"}]}');
  const { code, stderr } = await finish(new Running(['run', shop.dir], { env: shop.env }));
  assert.equal(code, 3);
  assert.match(stderr, /t\.jsonc:1:23: no step is called 'wiat'/);
  assert.ok(!fs.existsSync(path.join(shop.dir, 'proof')));
});

test('a hub that cannot start is an error with exit code 4 and a reason', async (t) => {
  const { code, stdout, result } = await runScenario(t, { name: 'n', steps: [{ wait: '0s' }] }, '--ca', '/dev/null/ca');
  assert.equal(code, 4, stdout);
  assert.equal(result.verdict, 'error');
  assert.match(stdout, /the hub does not start: /);
});

for (const [pid, name] of [['brokerPid', 'mosquitto'], ['gatewayPid', 'twinsim-gateway']]) test(`a hub that is lost (${name}) is an error with exit code 4, never a verdict`, async (t) => {
  const { code, stdout, result, left } = await runScenario(t, { name: 'n', agent, steps: [
    { expect: 'connected' },
    { exec: ['node', '-e', 'process.kill(JSON.parse(require("fs").readFileSync(process.argv[1] + "/../hub/hub.json"))[process.argv[2]], "SIGKILL")', '${work}', pid] },
    { expect: 'telemetry', within: '20s' }] }, '--agent', `${TINY} report {}`);
  assert.equal(code, 4, stdout);
  assert.equal(result.verdict, 'error');
  assert.match(stdout, new RegExp(`the hub was lost: ${name} ended \\(signal 9, Killed\\)`));
  assert.deepEqual(left(), []);
});

test('--keep leaves the folder and says where it is', async (t) => {
  const { code, stdout, result } = await runScenario(t, { name: 'n', agent: { ...agent, files: { 'a.txt': 'x' } }, steps: [{ expect: 'reported' }] }, '--keep', '--agent', `${TINY} report {}`);
  assert.equal(code, 0, stdout);
  assert.ok(stdout.includes(`kept: ${result.work}\n`));
  assert.ok(fs.existsSync(path.join(result.work, 'work/a.txt')) && fs.existsSync(path.join(result.work, 'hub/broker.log')));
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL']) {
  test(`${signal} in the middle leaves nothing behind`, async (t) => {
    const shop = workshop(t, { name: 'long', agent: { as: 'edge-1/m' }, steps: [{ log: 'ready' }, { exec: ['touch', '${dir}/proof'] }, { wait: '50s' }] });
    const second = path.join(shop.dir, 't.jsonc');
    fs.copyFileSync(shop.file, second);
    const running = new Running(['run', shop.file, second, '--agent', `sh -c 'setsid sleep 1000 ${shop.mark} & trap "" TERM; echo ready; while :; do sleep 1000; done' ${shop.mark}`], { env: shop.env });
    await running.shows(/ok .*exec/);
    running.process.kill(signal);
    const { code, stdout } = await finish(running, 30000);
    if (signal !== 'SIGKILL') {
      assert.equal(code, 1);
      assert.match(stdout, /^0 passed, 0 failed, 0 errors, 2 skipped/m);
    }
    for (let i = 0; i < 200 && shop.left().length; i++) await new Promise((resolve) => setTimeout(resolve, 50)); // the workers of a killed runner clean up on their own
    assert.deepEqual(shop.left(), []);
  });
}

test('a keystroke that arrives twice, as under timeout(1) and npm, is one: there is time to clean up', async (t) => {
  const shop = workshop(t, { name: 'long', agent: { as: 'edge-1/m' }, steps: [{ log: 'ready' }, { exec: ['true'] }, { wait: '50s' }] });
  const running = new Running(['run', shop.file, '--agent', `sh -c 'trap "" TERM; echo ready; while :; do sleep 1000; done' ${shop.mark}`], { env: shop.env });
  await running.shows(/ok .*exec/);
  running.process.kill('SIGINT');
  running.process.kill('SIGHUP'); // another one, so that the two do not become one on their way
  const { code, stdout } = await finish(running, 30000);
  assert.equal(code, 1);
  assert.match(stdout, /^0 passed, 0 failed, 0 errors, 1 skipped/m);
  assert.deepEqual(shop.left(), []);
});

test('a report that cannot be written is told before anything runs', async (t) => {
  const scenario = { name: 'n', steps: [{ wait: '1ms' }] };
  for (const [args, code, says] of [
    [['--html', '/tmp'], 3, '--html: /tmp cannot be written: Is a directory'],
    [['--tap', '/no-such-folder/out.tap'], 3, '--tap: /no-such-folder/out.tap cannot be written: No such file or directory'],
    [['--junit', '@DIR/a', '--tap', '@DIR/a'], 2, '--junit and --tap name the same file'],
    [['--record', '/proc/no-folder'], 3, 'the folder /proc/no-folder cannot be made: No such file or directory'],
  ]) {
    const { code: got, stdout, stderr, left } = await runScenario(t, scenario, ...args);
    assert.deepEqual([got, stdout, stderr], [code, '', `twinsim: ${says}\n`]);
    assert.deepEqual(left(), []);
  }
});

test('a report goes where its name leads: through a link, into a pipe, never in the place of a device', async (t) => {
  const dir = temporary(t);
  const link = path.join(dir, 'link.tap');
  fs.symlinkSync('real.tap', link);
  fs.writeFileSync(path.join(dir, 'real.tap'), '');
  const { stdout, code } = await runScenario(t, { name: 'n', steps: [{ wait: '1ms' }] }, '--tap', link, '--junit', '/dev/stdout');
  assert.equal(code, 0);
  assert.match(stdout, /1 passed[^\n]*\n<\?xml/);
  assert.ok(fs.lstatSync(link).isSymbolicLink() && fs.lstatSync('/dev/stdout').isSymbolicLink());
  assert.match(fs.readFileSync(path.join(dir, 'real.tap'), 'utf8'), /^TAP version 14\n/);
});

test('the options of run are checked', async (t) => {
  const shop = workshop(t, { name: 'n', steps: [{ wait: '0s' }] });
  for (const [args, says] of [[['--jobs', '0'], /jobs/], [['--timeout', 'soon'], /--timeout wants a duration/], [['--agnet', 'x'], /did you mean.*agent/], [['--junit', '/dev/null/x'], /cannot be written/]]) {
    const { code, stderr } = await twinsim('run', shop.file, ...args, { env: shop.env });
    assert.equal(code, args[0] === '--junit' ? 3 : 2, stderr);
    assert.match(stderr, says);
  }
  assert.equal((await twinsim('run')).code, 2);
});
