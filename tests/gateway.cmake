# The gateway's tests of what is pure; tests/e2e/gateway.test.js has the process.
twinsim_test(test_mqtt_frame unit LIBS twinsim_packets)
target_link_options(test_mqtt_frame PRIVATE ${FAIL_ALLOC_OPTIONS})
twinsim_test(test_tls unit
  SOURCES ${PROJECT_SOURCE_DIR}/simulator/gateway/tls.c ${PROJECT_SOURCE_DIR}/simulator/gateway/wire.c
  LIBS twinsim_packets PkgConfig::LIBEVENT OpenSSL::SSL OpenSSL::Crypto)
