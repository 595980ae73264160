#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

enum { LINE = 64 };

typedef struct ftl_arena_piece {
  struct ftl_arena_piece *before;
  size_t size;
} piece;

static char *data_of(const ftl_arena *arena) { return (char *)arena->last + LINE; }

/* Makes a piece with room for `size` bytes the last one. */
static bool add_piece(ftl_arena *arena, size_t size) {
  piece *p = aligned_alloc(LINE, size + LINE);
  if (!p) return false;
  if (arena->enough && !arena->enough()) {
    free(p);
    return false;
  }
  *p = (piece){arena->last, size};
  arena->last = p;
  arena->bytes += size;
  arena->used = 0;
  return true;
}

static size_t rounded(size_t count, size_t size) { return (count * size + 2 * LINE - 1) / LINE * LINE; }

void *ftl_arena_take_dirty(ftl_arena *arena, size_t count, size_t size) {
  if (size && count > SIZE_MAX / 4 / size) arena->failed = true;
  if (arena->failed) return NULL;
  const size_t bytes = rounded(count, size);
  if (!arena->last || arena->used + bytes > arena->last->size) {
    size_t piece_size = arena->chunk && arena->last ? 2 * arena->last->size : arena->chunk;
    if (piece_size < bytes) piece_size = bytes;
    arena->failed = !add_piece(arena, piece_size);
    if (arena->failed) return NULL;
  }
  void *taken = data_of(arena) + arena->used;
  arena->used += bytes;
  return taken;
}

void *ftl_arena_take(ftl_arena *arena, size_t count, size_t size) {
  void *taken = ftl_arena_take_dirty(arena, count, size);
  return taken ? memset(taken, 0, rounded(count, size)) : NULL;
}

char *ftl_arena_text(ftl_arena *arena, const char *text) {
  char *copy = text ? ftl_arena_take(arena, strlen(text) + 1, 1) : NULL;
  return copy ? strcpy(copy, text) : NULL;
}

ftl_status ftl_arena_check(const ftl_arena *arena, ftl_error *error, const char *what, ...) {
  if (!arena->failed) return FTL_OK;
  char text[sizeof error->message];
  va_list args;
  va_start(args, what);
  vsnprintf(text, sizeof text, what, args);
  va_end(args);
  return ftl_no_memory(error, NULL, "%s", text);
}

static void drop_piece(ftl_arena *arena) {
  piece *before = arena->last->before;
  arena->bytes -= arena->last->size;
  free(arena->last);
  arena->last = before;
}

ftl_arena_mark ftl_arena_here(const ftl_arena *arena) { return (ftl_arena_mark){arena->last, arena->used}; }

/* The first piece after the mark stays for what is taken next. */
void ftl_arena_back(ftl_arena *arena, ftl_arena_mark mark) {
  while (arena->last != mark.last && arena->last->before != mark.last) drop_piece(arena);
  arena->used = arena->last == mark.last ? mark.used : 0;
}

void ftl_arena_free(ftl_arena *arena) {
  while (arena->last) drop_piece(arena);
  *arena = (ftl_arena){.chunk = arena->chunk, .enough = arena->enough};
}

void ftl_arena_reset(ftl_arena *arena) {
  const size_t all = arena->bytes;
  if (arena->last && arena->last->before) {
    ftl_arena_free(arena);
    add_piece(arena, all); /* if not, then piece by piece */
  }
  arena->used = 0;
  arena->failed = false;
}
