/* How far two words are apart, for messages that name the nearest one there is. */
#ifndef FTL_DISTANCE_H
#define FTL_DISTANCE_H

/* Letters to insert, delete, replace or swap with a neighbour (optimal string alignment); words longer than 127 letters
   are far from everything. */
int ftl_word_distance(const char *a, const char *b);

#endif
