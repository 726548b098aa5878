// run.test.js - the cases of cases.json, with the SDK of $TWINSIM_SDK as the judge. README.md tells how it hangs together.
//
// $TWINSIM_CASES: only cases whose id begins so. What came out goes to build-test/conformance-LANGUAGE/results.json.
'use strict';
const { test } = require('node:test');
const fs = require('node:fs');
const path = require('node:path');
const { Case, Hub, assert } = require('./lib/case.js');
const { Driver } = require('./lib/driver.js');
const { areas, cases, fingerprint, kindsOf, logic } = require('./lib/list.js');

const language = process.env.TWINSIM_SDK ?? 'node';
const only = process.env.TWINSIM_CASES ?? '';
const settings = JSON.parse(fs.readFileSync(path.join(__dirname, language, 'driver.json'), 'utf8'));

test('every case of the list has its logic, and the other way round', () => {
  assert.deepEqual(areas.flatMap((area) => Object.keys(logic[area])).sort(), cases.map((c) => c.id).sort());
  for (const { id, area } of cases) assert.equal(typeof logic[area]?.[id], 'function', `${id} is in cases/${area}.js`);
});

test(`the device SDK for ${language}`, { concurrency: settings.jobs }, async (t) => {
  const hub = await Hub.start(t);
  const driver = await Driver.start(language, hub.ca);
  const results = {};
  t.after(async () => {
    fs.writeFileSync(path.join(path.dirname(driver.log), 'results.json'), `${JSON.stringify({ language, ...driver.hello, cases: results }, null, 1)}\n`);
    assert.equal(await driver.quit(), 0, `the driver ends with status 0; see ${driver.log}`);
  });

  const runs = cases.filter((c) => c.id.startsWith(only) && !c.not?.[language]).flatMap((entry) => kindsOf(entry).map((kind) => ({ entry, kind })));
  await Promise.all(runs.map(({ entry, kind }) =>
    t.test(`${kind}, ${entry.id}: ${entry.title} (facts ${entry.facts.join(', ')})`, async (inner) => {
      const result = (results[entry.id] ??= { of: fingerprint(entry) });
      result[kind] = 'failed';
      const options = logic[entry.area][entry.id].hub;
      const x = new Case({ hub: entry.hub === 'own' ? await Hub.start(inner, options) : hub, driver, entry, kind });
      try {
        await logic[entry.area][entry.id](x);
      } finally {
        await x.end();
      }
      result[kind] = 'passed';
    })));
});
