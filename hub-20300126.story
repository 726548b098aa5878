# seed 20300126, made short from 12 steps
create d0
connect d0 clean primary
subscribe d0 twin qos0
connect d0 keep primary
unsubscribe d0 twin
