# Benchmarks and long runs: no unit tests; scripts/bench and scripts/soak run them.

# MQTT packets by hand.
add_library(twinsim_wire STATIC ${CMAKE_CURRENT_SOURCE_DIR}/support/mqtt_wire.c)
target_include_directories(twinsim_wire PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/support)
target_link_libraries(twinsim_wire PUBLIC twinsim_flags)

# Many TLS connections in one loop.
find_package(OpenSSL REQUIRED)
add_library(twinsim_tls_client STATIC ${CMAKE_CURRENT_SOURCE_DIR}/support/tls_client.c)
target_include_directories(twinsim_tls_client PUBLIC ${CMAKE_CURRENT_SOURCE_DIR}/support)
target_link_libraries(twinsim_tls_client PUBLIC twinsim_flags OpenSSL::SSL)

add_executable(bench_hub)
foreach(file bench_hub load sides)
  target_sources(bench_hub PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/bench/hub/${file}.c)
endforeach()
target_link_libraries(bench_hub PRIVATE twinsim_harness twinsim_wire twinsim_tls_client)

# kill -9 between acknowledged writes: a short run is a test, `scripts/soak` runs a thousand rounds.
add_executable(kill_rounds ${CMAKE_CURRENT_SOURCE_DIR}/e2e/kill_rounds.c ${CMAKE_CURRENT_SOURCE_DIR}/e2e/kill_mail.c)
target_link_libraries(kill_rounds PRIVATE twinsim_harness twinsim_wire twinsim_tls_client)
add_test(NAME kill_rounds COMMAND kill_rounds 10)
set_tests_properties(kill_rounds PROPERTIES LABELS e2e TIMEOUT 120)

# Devices that misbehave, beside one that does not: a short run is a test that judges neither times nor memory (sanitizers, a busy machine); `scripts/misbehave`
# runs a minute of two hundred and does.
add_executable(misbehave)
foreach(file devices misbehave neighbour packet)
  target_sources(misbehave PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/bench/misbehave/${file}.c)
endforeach()
target_link_libraries(misbehave PRIVATE twinsim_harness twinsim_packets twinsim_wire twinsim_tls_client)
add_test(NAME misbehave COMMAND misbehave --devices 42 --seconds 4 --rounds 1 --max-ratio 0 --max-memory 0)
set_tests_properties(misbehave PROPERTIES LABELS e2e TIMEOUT 120)

if(TWINSIM_SANITIZE) # a sanitized plugin needs its runtime in the broker before anything else
  execute_process(COMMAND ${CMAKE_C_COMPILER} -print-file-name=libasan.so OUTPUT_VARIABLE runtime OUTPUT_STRIP_TRAILING_WHITESPACE)
  get_filename_component(runtime "${runtime}" REALPATH)
  set_tests_properties(kill_rounds misbehave PROPERTIES ENVIRONMENT
    "TWINSIM_BROKER_PRELOAD=${runtime};LSAN_OPTIONS=suppressions=${CMAKE_CURRENT_SOURCE_DIR}/support/lsan.supp")
endif()

add_executable(bench_start ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_start.c)
target_include_directories(bench_start PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/support)
target_link_libraries(bench_start PRIVATE twinsim_harness twinsim_store)

add_executable(bench_query ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_query.c)
target_link_libraries(bench_query PRIVATE twinsim_harness twinsim_wire)
