# A plain day: somebody comes, hears of changes, reports, is called, and is found again after a restart.
create d0 {"desired":{"a":1},"tags":{"t":1}}
create d0/m0
connect d0 keep primary
subscribe d0 twin qos1
subscribe d0 desired qos1
subscribe d0 methods qos0
get d0 rid
report d0 rid right {"a":{"b":1}}
update d0 right {"desired":{"a":null,"b":{"c":2}}}
replace d0 any {"desired":{"b":{"d":3}},"tags":{}}
invoke d0 now answer30s
answer d0 right good
report d0 rid any {"a":{"b":null}} !
restart tight today
connect d0 keep secondary
update d0 stale {"desired":{}}
update d0 any {"desired":{"e":4}}
get d0 rid
history d0 newest
