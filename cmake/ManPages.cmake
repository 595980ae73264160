# Man pages from --help, where help2man (Debian package of that name) is at hand: target "man", also part of the product.
find_program(FTL_HELP2MAN help2man)
if(NOT FTL_HELP2MAN)
  return()
endif()
set(man_folder ${PROJECT_BINARY_DIR}/man/man1)
file(MAKE_DIRECTORY ${man_folder})
set(man_pages "")

# ftl_add_man_page(PAGE NAME SECTION...): PAGE.1 from `frozentl SECTION... --help`; NAME is the line under "NAME".
function(ftl_add_man_page page name)
  list(JOIN ARGN " " subcommand)
  add_custom_command(OUTPUT ${man_folder}/${page}.1
    COMMAND ${FTL_HELP2MAN} --no-info --name=${name} --output=${man_folder}/${page}.1
      "$<TARGET_FILE:frozentl_cli> ${subcommand}"
    DEPENDS frozentl_cli VERBATIM)
  set(man_pages ${man_pages} ${man_folder}/${page}.1 PARENT_SCOPE)
endfunction()

ftl_add_man_page(frozentl "MACE interatomic potentials in C")
ftl_add_man_page(frozentl-info "what a model file holds" info)
ftl_add_man_page(frozentl-convert "a model to the .ftl format, or a part of it" convert)
ftl_add_man_page(frozentl-merge "a delta and its foundation to a full .ftl" merge)
ftl_add_man_page(frozentl-diff "what differs between two models" diff)
ftl_add_man_page(frozentl-eval "energies, forces and stresses of structures" eval)
ftl_add_man_page(frozentl-estimate "time and memory of a run that is planned" estimate)
ftl_add_man_page(frozentl-doctor "what this machine lacks for running" doctor)
ftl_add_man_page(frozentl-foundation "published foundation models" foundation)
ftl_add_man_page(frozentl-train "fine-tune a foundation model, or train a new one" train)
ftl_add_man_page(frozentl-fit "fit a linear ACE potential" fit)
ftl_add_man_page(frozentl-distill "distil a model into a linear ACE potential" distill)
ftl_add_man_page(frozentl-trust "teach a model to tell its errors" trust)
ftl_add_man_page(frozentl-plot "pictures of a training run" plot)
add_custom_target(man ALL DEPENDS ${man_pages})
add_dependencies(product man) # what is installed has to be there after `make build`
install(FILES ${man_pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
