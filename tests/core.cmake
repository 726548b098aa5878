# The core's tests: does each function keep its header's promise (unit), do the laws hold (property)?
# Ids, names, tokens and topics. Tests that make our own allocations fail are linked with FAIL_ALLOC_OPTIONS (support/fail_alloc.h).
set(FAIL_ALLOC_OPTIONS -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc)
foreach(name test_bag test_buf test_connection_string test_ident test_sas test_str test_topic test_user_name)
  twinsim_test(${name} unit LIBS twinsim_core)
endforeach()
foreach(name test_bag test_buf test_sas)
  target_link_options(${name} PRIVATE ${FAIL_ALLOC_OPTIONS})
endforeach()
twinsim_test(test_json unit LIBS twinsim_core)
twinsim_test(test_json_read unit LIBS twinsim_core)
twinsim_test(test_iso_time unit LIBS twinsim_core)
