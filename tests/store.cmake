# The store's tests: what is promised, also when writing fails or the process dies (unit), whether damage is noticed and left alone
# (unit), and whether the fold holds for any sequence (property).
foreach(name test_store test_store_check test_store_crash test_store_damage test_store_message)
  twinsim_test(${name} unit LIBS twinsim_store PkgConfig::SQLITE3)
endforeach()
twinsim_test(test_store_fold property LIBS twinsim_store PkgConfig::SQLITE3)
target_link_options(test_store_crash PRIVATE ${FAIL_ALLOC_OPTIONS})

add_executable(bench_store ${CMAKE_CURRENT_SOURCE_DIR}/bench/bench_store.c)
target_link_libraries(bench_store PRIVATE twinsim_store)
