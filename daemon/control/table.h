// An aligned table for a terminal, in the manner of `ip` and birdc: a title row, columns two spaces apart, no frames.
// Cells are made printable; a column in which every cell is empty is left out.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/control/style.h"

namespace starling::daemon {

struct Column {
  std::string title;
  enum class Align : std::uint8_t { left, right } align = Align::left;
};

struct Cell {
  Cell(std::string cell_text, Style cell_style = Style::plain) : text(std::move(cell_text)), style(cell_style) {}
  Cell(const char* cell_text) : text(cell_text) {}

  std::string text;
  Style style = Style::plain;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns, else std::invalid_argument.
  void add_row(std::vector<Cell> cells);
  // A line of its own under the last row, indented and not aligned: an explanation.
  void add_note(std::string text, Style style = Style::dim);

  bool empty() const { return rows_.empty(); }
  // Lines end with '\n' and have no trailing spaces. Only the title row where there are no rows.
  std::string render(bool colour) const;

 private:
  struct Row {
    std::vector<Cell> cells;
    std::vector<Cell> notes;
  };

  std::vector<std::size_t> widths() const;
  void append_line(std::string& out, const std::vector<Cell>& cells, const std::vector<std::size_t>& widths,
                   bool colour) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

}  // namespace starling::daemon
