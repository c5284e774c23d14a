#include "imago/cli/command.h"

int main(int argc, char** argv) { return imago::run_program(argc, argv); }
