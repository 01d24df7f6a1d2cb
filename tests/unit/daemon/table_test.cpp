#include "daemon/control/table.h"

#include <doctest/doctest.h>

#include <stdexcept>

using namespace starling::daemon;

namespace {

Table example() {
  return Table({{"NAME"}, {"METRIC", Column::Align::right}, {"BACKUP"}, {"STATE"}});
}

}  // namespace

TEST_CASE("Columns are as wide as their widest cell, and lines have no trailing spaces") {
  Table table = example();
  table.add_row({"alpha", "7", "b", "Full"});
  table.add_row({"b", "1000000", "", "Down"});
  table.add_row({"c", "20", "", ""});
  CHECK(table.render(false) ==
        "NAME    METRIC  BACKUP  STATE\n"
        "alpha        7  b       Full\n"
        "b      1000000          Down\n"
        "c           20\n");
}

TEST_CASE("A column without any content is left out") {
  Table table = example();
  table.add_row({"a", "1", "", "Full"});
  CHECK(table.render(false) ==
        "NAME  METRIC  STATE\n"
        "a          1  Full\n");
}

TEST_CASE("Colour changes no width") {
  Table table = example();
  table.add_row({{"a", Style::bold}, "1", "", {"Down", Style::red}});
  table.add_row({"b", "1", "", "Exchange"});
  const std::string coloured = table.render(true);
  CHECK(coloured.find("\033[31mDown\033[0m") != std::string::npos);
  std::string plain;
  for (std::size_t i = 0; i < coloured.size(); ++i) {
    if (coloured[i] == '\033')
      i = coloured.find('m', i);
    else
      plain += coloured[i];
  }
  CHECK(plain == table.render(false));
}

TEST_CASE("Letters of several bytes take one column") {
  Table table({{"A"}, {"B"}});
  table.add_row({"zürich", "x"});
  table.add_row({"berlin", "y"});
  CHECK(table.render(false) == "A       B\nzürich  x\nberlin  y\n");
}

TEST_CASE("A name made by someone else moves no cursor") {
  Table table({{"A"}});
  table.add_row({"evil\033[2J\n\x7f"});
  CHECK(table.render(false) == "A\nevil?[2J??\n");
}

TEST_CASE("Notes stand under their row") {
  Table table({{"A"}});
  table.add_row({"first"});
  table.add_note("why");
  table.add_row({"second"});
  CHECK(table.render(false) == "A\nfirst\n    why\nsecond\n");
}

TEST_CASE("A row of the wrong size is a programming error") {
  Table table = example();
  CHECK_THROWS_AS(table.add_row({"a"}), std::invalid_argument);
  CHECK_THROWS_AS(table.add_note("of no row"), std::invalid_argument);
}
