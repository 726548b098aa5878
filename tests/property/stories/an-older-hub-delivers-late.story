# What a kept session missed: today's hub forgets it, an older one has it ready.
create d0
connect d0 keep primary
subscribe d0 desired qos1
cut d0
update d0 any {"desired":{"a":1}}
connect d0 keep primary
restart tight older
update d0 any {"desired":{"a":null,"b":{"c":2}}}
replace d0 any {"desired":{"d":3}}
connect d0 keep primary
