# What was not acknowledged comes again, whoever ends the connection; an older connection's PUBACK completes nothing.
create d0
connect d0 will primary
subscribe d0 messages qos1
send d0 1h full
send d0 60s negative
connect d0 keep primary
puback d0 ghost
puback d0 first
puback d0 last !
connect d0 keep primary
restart roomy today
pass 101s
connect d0 keep primary
mail d0
feedback
