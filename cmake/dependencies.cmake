# Libraries from Debian 12 (see packages.txt beside this file). Each becomes one imported target.
find_package(Threads REQUIRED)
find_package(Boost 1.74 REQUIRED)          # Asio, header only
find_package(fmt 9 REQUIRED)
find_package(nlohmann_json 3.11 REQUIRED)
find_package(CLI11 2.1 REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(sodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(b2 REQUIRED IMPORTED_TARGET libb2)
pkg_check_modules(nl_route REQUIRED IMPORTED_TARGET libnl-route-3.0)
if(STARLING_TESTS)
  find_package(doctest 2.4 REQUIRED)
endif()
