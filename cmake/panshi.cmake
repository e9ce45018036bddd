# SPDX-License-Identifier: Apache-2.0
# The three ways of making a target here: panshi_library, panshi_program, panshi_tests.

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(tl-expected REQUIRED)

# Off for planted bugs, which may leave something unused.
option(PANSHI_WARNINGS_ARE_ERRORS "Warnings are errors" ON)
add_library(panshi_flags INTERFACE)
target_include_directories(panshi_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(panshi_flags INTERFACE _GLIBCXX_ASSERTIONS)
target_link_libraries(panshi_flags INTERFACE Threads::Threads nlohmann_json::nlohmann_json
                                               tl::expected)
target_compile_options(panshi_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
  -Wnon-virtual-dtor -Woverloaded-virtual $<$<BOOL:${PANSHI_WARNINGS_ARE_ERRORS}>:-Werror>
  $<$<CXX_COMPILER_ID:GNU>:-Wduplicated-cond -Wlogical-op -Wsuggest-override>
  # gcc 12 sees overflows in std::string's own code that cannot be (its bug 105329 and relatives).
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict
  -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread>
  # Of sources that are compiled together: a class of one holds a type of its own file's alone.
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<BOOL:${PANSHI_TOGETHER}>>:-Wno-subobject-linkage>
  -fstack-protector-strong
  $<$<CONFIG:Release>:-D_FORTIFY_SOURCE=2>)
target_link_options(panshi_flags INTERFACE -Wl,-z,relro,-z,now)
find_program(MOLD mold)  # links some two hundred programs of tests in a tenth of the time
if(MOLD)
  target_link_options(panshi_flags INTERFACE -fuse-ld=mold)
endif()
if(PANSHI_SANITIZE)
  target_compile_options(panshi_flags INTERFACE -fsanitize=${PANSHI_SANITIZE} -O1
                                                  -fno-omit-frame-pointer -g1
    # With sanitizers gcc 12 also sees values that may be uninitialised where none is, and says that
    # it does not follow Asio's fences.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-tsan>)
  target_link_options(panshi_flags INTERFACE -fsanitize=${PANSHI_SANITIZE})
endif()

# The JSON class is compiled once, here, and not once more in every source that uses it.
add_library(panshi_json STATIC ${CMAKE_CURRENT_LIST_DIR}/json_once.cc)
target_link_libraries(panshi_json PRIVATE panshi_flags)
add_library(panshi_options INTERFACE)
target_link_libraries(panshi_options INTERFACE panshi_flags panshi_json)

# Precompiled headers, shared by every target: the JSON header is most of every compile. Tests have
# their own, with Catch2, and are not optimised: they run in seconds and take minutes to compile.
add_library(panshi_test_options INTERFACE)
target_compile_options(panshi_test_options INTERFACE -O0 -U_FORTIFY_SOURCE)
target_compile_definitions(panshi_test_options INTERFACE CATCH_CONFIG_FAST_COMPILE)
set(panshi_common_headers <chrono> <functional> <map> <memory> <optional> <string> <variant>
                          <vector> <cmake/json_once.h> <tl/expected.hpp>)
add_library(panshi_pch STATIC ${CMAKE_CURRENT_LIST_DIR}/pch.cc)
target_link_libraries(panshi_pch PUBLIC panshi_options)
target_precompile_headers(panshi_pch PRIVATE ${panshi_common_headers})
add_library(panshi_hot_options INTERFACE)
target_compile_options(panshi_hot_options INTERFACE $<$<CONFIG:Release>:-O2>)
add_library(panshi_hot_pch STATIC ${CMAKE_CURRENT_LIST_DIR}/pch.cc)
target_link_libraries(panshi_hot_pch PUBLIC panshi_options panshi_hot_options)
target_precompile_headers(panshi_hot_pch PRIVATE ${panshi_common_headers})
add_library(panshi_test_pch STATIC ${CMAKE_CURRENT_LIST_DIR}/pch.cc)
target_link_libraries(panshi_test_pch PUBLIC panshi_options panshi_test_options)
target_precompile_headers(panshi_test_pch PRIVATE ${panshi_common_headers} <catch2/catch.hpp>)

# With PANSHI_TOGETHER the sources of one folder are compiled together, two dozen at a time
# (docs/decisions/0022 has the figures). So what a source keeps for itself has a name of its own in
# its folder. The preset `debug` compiles each alone.
set(panshi_together 24)
# Not CMake's own unity builds: those name their sources by absolute paths, so that no two clones
# would share the compiler's cache.
function(panshi_compile_together name alone)
  get_target_property(sources ${name} SOURCES)
  foreach(source ${sources})
    if(IS_ABSOLUTE ${source} OR (alone AND source MATCHES "${alone}"))
      continue()  # generated, or to be compiled alone
    endif()
    get_filename_component(folder ${source} DIRECTORY)
    string(MAKE_C_IDENTIFIER "in_${folder}" group)
    math(EXPR part "${${group}_count} + 0")
    math(EXPR ${group}_count "${part} + 1")
    math(EXPR part "${part} / ${panshi_together}")
    list(APPEND groups ${group}_${part})
    list(APPEND sources_of_${group}_${part} ${source})
  endforeach()
  list(REMOVE_DUPLICATES groups)
  foreach(group ${groups})
    list(LENGTH sources_of_${group} count)
    if(count EQUAL 1)
      continue()
    endif()
    set(content "")
    foreach(source ${sources_of_${group}})
      file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/${source})
      string(APPEND content "#include \"${path}\"  // NOLINT\n")
    endforeach()
    set(file ${CMAKE_CURRENT_BINARY_DIR}/together/${name}_${group}.cc)
    file(CONFIGURE OUTPUT ${file} CONTENT "${content}" @ONLY)
    target_sources(${name} PRIVATE ${file})
    set_source_files_properties(${sources_of_${group}} PROPERTIES HEADER_FILE_ONLY ON)
  endforeach()
endfunction()

# panshi_library(name [HOT] SOURCES a.cc b.cc DEPENDS core_base …)
# HOT: it carries data, or is what a busy process spends its time in.
# DEPENDS are the only folders whose headers it may include; tests/tidy checks that. ALONE: a regular
# expression of sources that all use the same names (a table `kKinds`, a verb `list`).
function(panshi_library name)
  cmake_parse_arguments(ARG "HOT" "ALONE" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  if(PANSHI_TOGETHER)
    panshi_compile_together(${name} "${ARG_ALONE}")
  endif()
  target_link_libraries(${name} PUBLIC panshi_options ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE})
  if(ARG_HOT)
    target_link_libraries(${name} PRIVATE panshi_hot_options)
    target_precompile_headers(${name} REUSE_FROM panshi_hot_pch)
  else()
    target_precompile_headers(${name} REUSE_FROM panshi_pch)
  endif()
endfunction()

# panshi_program(name SOURCES main.cc DEPENDS …): build/<preset>/bin/<name>
function(panshi_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE panshi_options ${ARG_DEPENDS})
  target_precompile_headers(${name} REUSE_FROM panshi_pch)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction()

# panshi_tests(name LABEL unit [LOCK thing] [SERIAL] SOURCES … DEPENDS …): one Catch2 program, each
# case a ctest. Cases with the same LOCK do not run at the same time, SERIAL ones beside no other at
# all: they take from the machine what the others need.
# A *_test.cc in the folder that is not listed stops the configure step.
function(panshi_tests name)
  cmake_parse_arguments(ARG "SERIAL" "LABEL;LOCK" "SOURCES;DEPENDS" ${ARGN})
  file(GLOB_RECURSE present RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS *_test.cc)
  foreach(file ${present})
    if(NOT file IN_LIST ARG_SOURCES)
      message(FATAL_ERROR "${CMAKE_CURRENT_SOURCE_DIR}/${file} is not listed in panshi_tests(${name})")
    endif()
  endforeach()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE panshi_options panshi_test_options panshi_catch_main
                                        ${ARG_DEPENDS})
  target_precompile_headers(${name} REUSE_FROM panshi_test_pch)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_compile_definitions(${name} PRIVATE PANSHI_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
                                             PANSHI_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
  set(properties LABELS ${ARG_LABEL} SKIP_RETURN_CODE 77)  # tests/support/skip.h
  if(ARG_LOCK)
    list(APPEND properties RESOURCE_LOCK ${ARG_LOCK})
  endif()
  if(ARG_SERIAL)
    list(APPEND properties RUN_SERIAL ON)
  endif()
  set_property(GLOBAL APPEND PROPERTY panshi_${ARG_LABEL}_programs ${name})
  # A name that matches no case is a failure, not a pass of none.
  catch_discover_tests(${name} TEST_PREFIX "${ARG_LABEL}: " EXTRA_ARGS -w NoTests
                       PROPERTIES ${properties})
endfunction()
