#include "apps/torc/command_line.hpp"

int main(int argc, char** argv) {
  return static_cast<int>(torc::program::run_program(argc, argv));
}
