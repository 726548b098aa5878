# a message whose time is over came back in a turn that failed, and goes with its identity
create d0
connect d0 keep primary
subscribe d0 messages qos1
send d0 60s none
pass 101s
subscribe d0 desired qos0 !
move d0
