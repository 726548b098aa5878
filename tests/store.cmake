# The store's tests: what is promised (unit), whether damage is noticed and left alone, and whether the fold holds for any sequence.
twinsim_test(test_store unit LIBS twinsim_store PkgConfig::SQLITE3)

add_executable(bench_store ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_store.c)
target_link_libraries(bench_store PRIVATE twinsim_store)
