# What `cmake --install build` adds to the targets' own rules: data, and where a test rig finds the plugin:
#   pkg-config --variable=plugin twinsim
include(GNUInstallDirs)
# The prefix is found from where the .pc file lies, so that an installed tree can be moved, or installed with --prefix.
file(RELATIVE_PATH TWINSIM_PREFIX_FROM_PC /x/${CMAKE_INSTALL_LIBDIR}/pkgconfig /x)
configure_file(${CMAKE_CURRENT_LIST_DIR}/twinsim.pc.in ${CMAKE_BINARY_DIR}/twinsim.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/twinsim.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/fixtures DESTINATION ${CMAKE_INSTALL_DATADIR}/twinsim)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
