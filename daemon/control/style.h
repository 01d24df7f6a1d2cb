// Colour on a terminal, and text from outside made safe for one.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace starling::daemon {

enum class Style : std::uint8_t { plain, bold, dim, red, green, yellow, blue, magenta, cyan };

// `text` between the escape sequences of `style`; unchanged where `colour` is false, the style plain, or nothing there.
std::string paint(std::string_view text, Style style, bool colour);

// Control characters become '?', so that a name made by someone else moves no cursor. UTF-8 passes.
std::string printable(std::string_view text);

// How many columns the text takes on a terminal: code points (no wide characters are expected), without escapes.
std::size_t display_width(std::string_view text);

// Whether this descriptor wants colour: a terminal that is not "dumb", and NO_COLOR (no-color.org) is not set.
bool wants_colour(int fd);

}  // namespace starling::daemon
