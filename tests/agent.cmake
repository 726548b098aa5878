# The reference agent's tests. They know the agent and nothing of the simulator, like the agent itself.
foreach(name test_agent_config test_agent_desired test_agent_duration test_agent_life test_agent_local
             test_agent_machine test_agent_parts test_agent_queue)
  twinsim_test(${name} unit LIBS security_agent_core)
endforeach()
foreach(name test_agent_hostile test_agent_legacy test_agent_legacy_cs test_agent_telemetry)
  twinsim_test(${name} unit SOURCES support/agent_world.c LIBS security_agent_core)
endforeach()
target_compile_definitions(test_agent_legacy PRIVATE TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/unit/data")
foreach(name test_agent_config test_agent_desired test_agent_queue)
  target_link_options(${name} PRIVATE -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc)
endforeach()
target_compile_definitions(test_agent_local PRIVATE MANUAL="${PROJECT_SOURCE_DIR}/docs/reference/security-agent.md")
