# The adapter's tests: against a broker made for them, which does what the real one does and whose clock we turn.
set(PLUGIN_DIR ${CMAKE_SOURCE_DIR}/simulator/plugin)
twinsim_test(test_connections unit SOURCES ${PLUGIN_DIR}/connections.c LIBS twinsim_core)
target_include_directories(test_connections PRIVATE ${PLUGIN_DIR})
target_link_options(test_connections PRIVATE ${FAIL_ALLOC_OPTIONS})
list(TRANSFORM TWINSIM_PLUGIN_SOURCES PREPEND ${PLUGIN_DIR}/ OUTPUT_VARIABLE plugin_sources)
add_library(plugin_world STATIC ${plugin_sources} ${CMAKE_CURRENT_SOURCE_DIR}/support/fake_broker.c
  ${CMAKE_CURRENT_SOURCE_DIR}/support/plugin_world.c)
target_include_directories(plugin_world PUBLIC ${PLUGIN_DIR} ${MOSQUITTO_PLUGIN_INCLUDE} ${CMAKE_CURRENT_SOURCE_DIR}/support)
target_link_libraries(plugin_world PUBLIC twinsim_store PkgConfig::CMOCKA)
target_link_options(plugin_world INTERFACE ${FAIL_ALLOC_OPTIONS}) # its broker's own allocations never fail
twinsim_test(test_plugin unit LIBS plugin_world)
twinsim_test(test_plugin_gateway unit LIBS plugin_world)
twinsim_test(test_plugin_failure unit LIBS plugin_world)

# How long a turn takes; a benchmark, not a test. Nothing is made to fail in it.
add_executable(bench_turns ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_turns.c ${CMAKE_CURRENT_SOURCE_DIR}/support/fake_broker.c ${plugin_sources})
target_include_directories(bench_turns PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/support ${PLUGIN_DIR} ${MOSQUITTO_PLUGIN_INCLUDE})
target_link_libraries(bench_turns PRIVATE twinsim_flags PkgConfig::CMOCKA twinsim_store)
target_link_options(bench_turns PRIVATE -Wl,--defsym=__real_malloc=malloc)
