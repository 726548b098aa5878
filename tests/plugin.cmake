# The adapter's tests: against a broker made for them, which does what the real one does and whose clock we turn.
set(PLUGIN_DIR ${CMAKE_SOURCE_DIR}/simulator/plugin)
twinsim_test(test_connections unit SOURCES ${PLUGIN_DIR}/connections.c LIBS twinsim_core)
target_include_directories(test_connections PRIVATE ${PLUGIN_DIR})
target_link_options(test_connections PRIVATE ${FAIL_ALLOC_OPTIONS})
list(TRANSFORM TWINSIM_PLUGIN_SOURCES PREPEND ${PLUGIN_DIR}/ OUTPUT_VARIABLE plugin_sources)
twinsim_test(test_plugin unit SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/support/fake_broker.c ${plugin_sources} LIBS twinsim_store)
target_include_directories(test_plugin PRIVATE ${PLUGIN_DIR} ${MOSQUITTO_PLUGIN_INCLUDE})
target_link_options(test_plugin PRIVATE ${FAIL_ALLOC_OPTIONS})
