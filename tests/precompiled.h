// As src/imago/precompiled.h, for the test programs.
#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <unordered_map>

#include "imago/precompiled.h"
