# How every target of ours is compiled.
find_program(STARLING_CCACHE ccache)
if(STARLING_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Paths inside the checkout are taken relative to it, so that what one clone compiled serves every other.
  set(CMAKE_CXX_COMPILER_LAUNCHER
    "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}" CCACHE_NOHASHDIR=1 "${STARLING_CCACHE}")
endif()

add_library(starling_options INTERFACE)
target_include_directories(starling_options INTERFACE "${CMAKE_SOURCE_DIR}")
target_compile_options(starling_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these inside std::string, std::variant and std::vector at -O2 (GCC bugs 105329, 105562, 107852).
  target_compile_options(starling_options INTERFACE -Wno-restrict -Wno-maybe-uninitialized -Wno-array-bounds
    -Wno-stringop-overflow -Wno-stringop-overread)
endif()
if(STARLING_FUZZ)
  # Everything reports to libFuzzer which branches it takes; only the targets in tests/fuzz get libFuzzer's main.
  target_compile_options(starling_options INTERFACE -fsanitize=fuzzer-no-link,address,undefined
    -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_compile_definitions(starling_options INTERFACE _GLIBCXX_ASSERTIONS)
  target_link_options(starling_options INTERFACE -fsanitize=address,undefined)
elseif(STARLING_SANITIZE)
  target_compile_options(starling_options INTERFACE -fsanitize=address,undefined -fno-omit-frame-pointer
    -fno-sanitize-recover=undefined)
  target_link_options(starling_options INTERFACE -fsanitize=address,undefined)
else()
  target_compile_definitions(starling_options INTERFACE $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=2>)
  # Calls into libraries without a stub between: all are resolved at start anyway, and an idle daemon's time goes into
  # code that has left the caches.
  target_compile_options(starling_options INTERFACE -fstack-protector-strong -fno-plt)
  target_link_options(starling_options INTERFACE -Wl,-z,now)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    # What is installed is optimised as a whole (a TCP flow costs an engine 6 % less CPU). Tests are linked from the same
    # objects without that: it takes half a minute for each program.
    set(STARLING_WHOLE_PROGRAM -flto=auto -ffat-lto-objects)
    target_link_options(starling_options INTERFACE
      "$<IF:$<BOOL:$<TARGET_PROPERTY:STARLING_WHOLE_PROGRAM>>,-flto=auto,-fno-lto>")
  endif()
endif()

# starling_quick_with_sanitizers(TARGETS...): optimised with sanitizers too, as far as debugging allows: for what runs
# for hours of virtual time. Six times as quick as without, under the same checks, and no slower to compile.
function(starling_quick_with_sanitizers)
  if(STARLING_SANITIZE)
    foreach(target ${ARGN})
      target_compile_options(${target} PRIVATE -Og)
    endforeach()
  endif()
endfunction()

# starling_library(NAME SOURCES... LINK TARGETS...): one room, or one part of a room, as a static library.
function(starling_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_link_libraries(${name} PUBLIC starling_options ${ARG_LINK})
  target_compile_options(${name} PRIVATE ${STARLING_WHOLE_PROGRAM})
endfunction()

# starling_program(NAME SOURCES... LINK TARGETS...): an installed program.
function(starling_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE starling_options ${ARG_LINK})
  target_compile_options(${name} PRIVATE ${STARLING_WHOLE_PROGRAM})
  set_target_properties(${name} PROPERTIES STARLING_WHOLE_PROGRAM ON)
  install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endfunction()
