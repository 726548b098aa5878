// list.js - the list of cases, and what each does.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');

const HERE = path.join(__dirname, '..');

const cases = JSON.parse(fs.readFileSync(path.join(HERE, 'cases.json'), 'utf8'));
const areas = [...new Set(cases.map((c) => c.area))];
const logic = Object.fromEntries(areas.map((area) => [area, require(`../cases/${area}.js`)]));

const kindsOf = ({ clients }) => (clients === 'both' ? ['device', 'module'] : [clients]);

/** Another one when the case is another one: then its results are of no worth any more. */
const fingerprint = ({ title, facts, clients }) => crypto.createHash('sha256').update(JSON.stringify([title, facts, clients])).digest('hex').slice(0, 8);

module.exports = { HERE, areas, cases, fingerprint, kindsOf, logic };
