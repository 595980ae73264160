/* An element's functions as dot products of shared coupled products (coupled.h). */
#ifndef FTL_ACE_COUPLED_PLAN_H
#define FTL_ACE_COUPLED_PLAN_H

#include "ace/coupled.h"

/* A channel (parent -1: components of A), or the product of one with a channel more. Parents come before children. */
typedef struct {
  int parent, channel, l, kind, order;
  int first_child, next; /* of the same parent; -1 ends a list */
  int mu, n, z;          /* of a channel: element in the file and in the model */
  unsigned species;      /* of all its channels, bit z for element z; all bits matter only where elements are few */
} ftl_ace_product;

typedef struct {
  int x, y;
} ftl_ace_dot;

struct ftl_ace_plan {
  int n_density, n_products, n_dots, n_alone;
  ftl_ace_product *product;
  ftl_ace_dot *dot;
  double *c;       /* [n_dots][n_density] */
  int *alone;      /* rank 1: channels with l = 0 */
  double *alone_c; /* [n_alone][n_density] */
  int room_products, room_dots;
};

#endif
