# Benchmarks: not tests, no verdicts; scripts/bench runs them.
add_executable(bench_hub ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_hub.c)
target_link_libraries(bench_hub PRIVATE twinsim_harness)
