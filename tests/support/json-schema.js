// json-schema.js - a small JSON Schema validator: the part that simulator/harness/schema.h knows, written a second time so that the two
// can be held against each other (tests/unit/data/schema_cases.json).
//
//   validate(schema, value)   // [] when it is valid, else what is wrong: ["/steps/0: ..."]
// A keyword that it does not know is an error in the schema, so that a misspelt one is noticed.
'use strict';
const { isIPv4, isIPv6 } = require('node:net');
const { isDeepStrictEqual } = require('node:util');

const typeOf = (value) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value);
const isObject = (value) => typeOf(value) === 'object';
const hasType = (value, type) => typeOf(value) === type || (type === 'integer' && Number.isInteger(value));
const silent = new Set(['$schema', '$id', '$comment', 'title', 'description', 'default', 'examples', '$defs', 'definitions', 'then', 'else', 'additionalItems', '$ref']);
const equal = (a, b) => isDeepStrictEqual(a, b);
const lengthOf = (text) => [...text].length; // in characters, not in UTF-16 units
const dateTime = /^\d{4}-(\d\d)-(\d\d)T([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/;
const isDateTime = (text) => {
  const [, month, day] = dateTime.exec(text) ?? [];
  const date = new Date(`${text.slice(0, 10)}T00:00:00Z`);
  return date.getUTCMonth() + 1 === Number(month) && date.getUTCDate() === Number(day);
};
const formats = {
  'date-time': isDateTime,
  uuid: (text) => /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i.test(text),
  ipv4: isIPv4,
  ipv6: isIPv6,
};

/** One function a keyword: (argument, value, context) => list of problems. */
const keywords = {
  type: (types, value, c) => ([types].flat().some((type) => hasType(value, type)) ? [] : [`${c.at}: is ${typeOf(value)}, not ${types}`]),
  enum: (list, value, c) => (list.some((one) => equal(one, value)) ? [] : [`${c.at}: is none of ${list}`]),
  const: (one, value, c) => (equal(one, value) ? [] : [`${c.at}: is not ${one}`]),
  required: (names, value, c) => (isObject(value) ? names.filter((name) => !Object.hasOwn(value, name)).map((name) => `${c.at}: needs ${name}`) : []),
  minLength: (n, value, c) => (typeof value !== 'string' || lengthOf(value) >= n ? [] : [`${c.at}: is too short`]),
  maxLength: (n, value, c) => (typeof value !== 'string' || lengthOf(value) <= n ? [] : [`${c.at}: is too long`]),
  pattern: (text, value, c) => (typeof value !== 'string' || new RegExp(text, 'u').test(value) ? [] : [`${c.at}: does not fit ${text}`]),
  minimum: (n, value, c) => (typeof value !== 'number' || value >= n ? [] : [`${c.at}: is below ${n}`]),
  maximum: (n, value, c) => (typeof value !== 'number' || value <= n ? [] : [`${c.at}: is above ${n}`]),
  exclusiveMinimum: (n, value, c) => (typeof value !== 'number' || value > n ? [] : [`${c.at}: is not above ${n}`]),
  exclusiveMaximum: (n, value, c) => (typeof value !== 'number' || value < n ? [] : [`${c.at}: is not below ${n}`]),
  format: (name, value, c) => {
    if (!formats[name]) throw new Error(`the schema uses the format '${name}', which is not known`);
    return typeof value !== 'string' || formats[name](value) ? [] : [`${c.at}: is no ${name}`];
  },
  maxItems: (n, value, c) => (!Array.isArray(value) || value.length <= n ? [] : [`${c.at}: has too many elements`]),
  uniqueItems: (on, value, c) => (!on || !Array.isArray(value) || value.every((a, i) => value.findIndex((b) => equal(a, b)) === i) ? [] : [`${c.at}: has an element twice`]),
  contains: (schema, value, c) => (!Array.isArray(value) || value.some((one) => check(schema, one, c).length === 0) ? [] : [`${c.at}: has no element of that form`]),
  minItems: (n, value, c) => (!Array.isArray(value) || value.length >= n ? [] : [`${c.at}: has too few elements`]),
  minProperties: (n, value, c) => (!isObject(value) || Object.keys(value).length >= n ? [] : [`${c.at}: has too few members`]),
  maxProperties: (n, value, c) => (!isObject(value) || Object.keys(value).length <= n ? [] : [`${c.at}: has too many members`]),
  propertyNames: (schema, value, c) => (isObject(value) ? Object.keys(value).flatMap((key) => check(schema, key, { ...c, at: `${c.at}/${key} (the name)` })) : []),
  properties: (map, value, c) => (isObject(value) ? Object.keys(map).filter((key) => Object.hasOwn(value, key)).flatMap((key) => check(map[key], value[key], { ...c, at: `${c.at}/${key}` })) : []),
  patternProperties: (map, value, c) =>
    isObject(value) ? Object.keys(value).flatMap((key) => Object.keys(map).filter((p) => new RegExp(p, 'u').test(key)).flatMap((p) => check(map[p], value[key], { ...c, at: `${c.at}/${key}` }))) : [],
  additionalProperties: (schema, value, c) => {
    if (!isObject(value)) return [];
    const isNamed = (key) => Object.hasOwn(c.schema.properties ?? {}, key) || Object.keys(c.schema.patternProperties ?? {}).some((p) => new RegExp(p, 'u').test(key));
    return Object.keys(value).filter((key) => !isNamed(key)).flatMap((key) => check(schema, value[key], { ...c, at: `${c.at}/${key}` }));
  },
  items: (schema, value, c) => {
    if (!Array.isArray(value)) return [];
    const of = (i) => (Array.isArray(schema) ? schema[i] ?? c.schema.additionalItems ?? true : schema);
    return value.flatMap((one, i) => check(of(i), one, { ...c, at: `${c.at}/${i}` }));
  },
  allOf: (list, value, c) => list.flatMap((schema) => check(schema, value, c)),
  anyOf: (list, value, c) => (list.some((schema) => check(schema, value, c).length === 0) ? [] : [`${c.at}: fits none of ${list.length} forms`]),
  oneOf: (list, value, c) => {
    const n = list.filter((schema) => check(schema, value, c).length === 0).length;
    return n === 1 ? [] : [`${c.at}: fits ${n} of ${list.length} forms, not one`];
  },
  not: (schema, value, c) => (check(schema, value, c).length ? [] : [`${c.at}: must not be so`]),
  if: (schema, value, c) => {
    const branch = check(schema, value, c).length === 0 ? c.schema.then : c.schema.else;
    return branch === undefined ? [] : check(branch, value, c);
  },
};

function resolve(root, ref) {
  const plain = (token) => token.replaceAll('~1', '/').replaceAll('~0', '~');
  const found = ref.split('/').slice(1).reduce((node, token) => node?.[plain(token)], root);
  if (found === undefined) throw new Error(`the schema names ${ref}, which is not there`);
  return found;
}

function check(schema, value, context) {
  if (schema === true) return [];
  if (schema === false) return [`${context.at}: must not be there`];
  const here = { ...context, schema };
  const problems = schema.$ref ? check(resolve(context.root, schema.$ref), value, context) : [];
  for (const [keyword, argument] of Object.entries(schema)) {
    if (silent.has(keyword)) continue;
    if (!keywords[keyword]) throw new Error(`the schema uses '${keyword}', which is no keyword`);
    problems.push(...keywords[keyword](argument, value, here));
  }
  return problems;
}

const validate = (schema, value) => check(schema, value, { root: schema, at: '' });

/** Read JSON with comments and trailing commas. */
function readCommented(text) {
  const plain = text.replace(/"(?:\\.|[^"\\])*"|\/\/[^\n]*|\/\*[\s\S]*?\*\//g, (found) => (found.startsWith('"') ? found : ' '.repeat(found.length)));
  return JSON.parse(plain.replace(/"(?:\\.|[^"\\])*"|,(?=\s*[}\]])/g, (found) => (found === ',' ? ' ' : found)));
}

module.exports = { validate, readCommented };
