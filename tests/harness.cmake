# The harness's tests: scenario files, patterns, timelines; hubs and the processes that are started.
foreach(name test_scenario_text test_scenario_alias test_scenario_match test_scenario_read test_scenario_timeline
        test_scenario_output test_report_html)
  twinsim_test(${name} unit LIBS twinsim_harness)
endforeach()
foreach(name test_address test_child test_files test_hub_dir test_hub_file)
  twinsim_test(${name} unit LIBS twinsim_harness)
endforeach()
twinsim_test(test_recording unit LIBS twinsim_harness)
twinsim_test(test_replay unit LIBS twinsim_harness)
twinsim_test(test_normalise unit LIBS twinsim_harness)
# JSON Schema: one table of cases for our checker and for the one in tests/support/json-schema.js.
foreach(name test_schema test_security_schema)
  twinsim_test(${name} unit LIBS twinsim_harness)
  target_compile_definitions(${name} PRIVATE
    TEST_DATA="${CMAKE_CURRENT_SOURCE_DIR}/unit/data" FIXTURES="${CMAKE_SOURCE_DIR}/fixtures")
endforeach()
# Explore: models and histories, and their laws.
twinsim_test(test_explore unit LIBS twinsim_harness)
twinsim_test(test_explore_laws property LIBS twinsim_harness)
target_link_options(test_schema PRIVATE ${FAIL_ALLOC_OPTIONS})
